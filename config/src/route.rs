//! Routes: what they take, and the bars and the ladder they climb by.

use std::collections::BTreeSet;
use std::time::Duration;

use kolm_core::{MicroUsd, Namespace as NamespaceName, Ppm, RouteName, Weight};
use kolm_policies::gate::{GatePolicy, PRESETS};
use kolm_policies::rollout::RolloutPolicy;
use kolm_policies::spare::Caps;

use crate::check::exists;
use crate::config::{Branches, Distill, Glob, Route, Shadow};
use crate::problem::{FORM, RANGE, TWO_STUDENTS};
use crate::table::{
    Checker, Node, Place, Table, boolean, count, dollars, duration, items, micros, millis, number, parsed,
    share, string,
};
use crate::upstream;

/// Names that a route may refer to.
pub(crate) struct Names {
    pub(crate) namespaces: Vec<NamespaceName>,
    pub(crate) default_namespace: Option<NamespaceName>,
    pub(crate) airgap: bool,
}

/// All routes; with none in the file, one that takes every model and shifts nothing.
pub(crate) fn routes(check: &mut Checker<'_>, node: Option<&Node<'_>>, names: &Names) -> Vec<Route> {
    let Some(node) = node else {
        let place = Place::default().key("routes").key("default");
        return route(check, Table::absent(place), names).into_iter().collect();
    };
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    for item in items(check, node) {
        let mut table = Table::of(check, &item);
        let name_place = table.at("name");
        // A route is known to people by its name, so its problems are listed under it.
        if let Some(name) = table.node("name").and_then(|node| node.value.as_str().map(str::to_owned)) {
            table.place.path = node.place.key(&name).path;
            if !seen.insert(name.clone()) {
                check.add(RANGE, &name_place, format!("a second route is named `{name}`"));
            }
        } else {
            check.add(FORM, &name_place, "a route needs a name");
        }
        out.extend(route(check, table, names));
    }
    out
}

fn route(check: &mut Checker<'_>, mut table: Table<'_>, names: &Names) -> Option<Route> {
    let name = match table.node("name") {
        Some(node) => parsed::<RouteName>(check, &node),
        None => "default".parse().ok(),
    };
    let namespace = table.optional(check, "namespace", parsed::<NamespaceName>);
    let namespace = namespace.or_else(|| names.default_namespace.clone());
    if let Some(name) = &namespace {
        check.amounts_to(&table.at("namespace"), &name.as_str());
    }
    // A default that does not exist is a problem of its own already.
    if let (Some(name), true) = (&namespace, table.has("namespace")) {
        exists(check, &table.at("namespace"), "namespace", name, &names.namespaces);
    }
    let model = table.or(check, "model", string, "*".to_owned());
    if model.is_empty() {
        check.add(RANGE, &table.at("model"), "an empty pattern takes no model");
    }
    let path = table.or(check, "path", string, "/v1/chat/completions".to_owned());
    if path != "/v1/chat/completions" {
        let message = format!("`{path}`: only /v1/chat/completions can be moved to a student");
        check.add(RANGE, &table.at("path"), message);
    }
    let section = table.table(check, "distill");
    let distill = distill(check, section);
    let engine = table.node("engine").and_then(|node| upstream::engine(check, &node, names.airgap));
    if engine.is_some() && distill.enabled {
        let hint = "take `[routes.distill]` or `[routes.engine]` out";
        let message = "a route has one student: the engine, or one that is trained";
        check.add_with_hint(TWO_STUDENTS, &table.at("engine"), message, Some(hint));
    }
    let section = table.table(check, "gate");
    let gate = gate(check, section);
    let section = table.table(check, "canary");
    let rollout = canary(check, section, &distill);
    let section = table.table(check, "shadow");
    let shadow = shadow(check, section);
    table.finish(check);
    let model = Glob::new(model);
    Some(Route { name: name?, namespace: namespace?, model, path, distill, engine, gate, rollout, shadow })
}

fn distill(check: &mut Checker<'_>, mut table: Table<'_>) -> Distill {
    let out = Distill {
        enabled: table.or(check, "enabled", boolean, false),
        min_pairs: table.within(check, "min_pairs", count, 1_000, 20..100_000_000),
        every: table.or(check, "every", count, 1_000),
        seed: table.or(check, "seed", count, 7),
        threads: table.within(check, "threads", count, 0, 0..1_025),
        branches: table.or(check, "branches", parsed, Branches::Both),
        target: target(check, &mut table),
    };
    table.finish(check);
    out
}

/// Below one half an answer is a guess, and certainty is not to be had.
fn target(check: &mut Checker<'_>, table: &mut Table<'_>) -> Ppm {
    let target = table.or(check, "target", share, Ppm(970_000));
    if !(500_000..=999_000).contains(&target.0) {
        check.add(RANGE, &table.at("target"), "must be between 0.5 and 0.999");
    }
    target
}

fn gate(check: &mut Checker<'_>, mut table: Table<'_>) -> GatePolicy {
    let preset = table.or(check, "preset", string, "default".to_owned());
    let default = GatePolicy::preset(&preset).unwrap_or_else(|| {
        let message = format!("`{preset}` is no preset");
        let hint = format!("presets: {}", PRESETS.join(", "));
        check.add_with_hint(RANGE, &table.at("preset"), message, Some(&hint));
        GatePolicy::default()
    });
    let alpha = table.or(check, "alpha", number, default.alpha_ppb as f64 / 1e9);
    if !(1e-6..=0.5).contains(&alpha) {
        check.add(RANGE, &table.at("alpha"), "must be between 0.000001 and 0.5");
    }
    let ever = 1..u64::MAX;
    let out = GatePolicy {
        gate: floor(check, &mut table, "gate", default.gate),
        a_floor: floor(check, &mut table, "a_floor", default.a_floor),
        v_floor: floor(check, &mut table, "v_floor", default.v_floor),
        latency_floor: floor(check, &mut table, "latency_floor", default.latency_floor),
        completeness: floor(check, &mut table, "completeness", default.completeness),
        alpha_ppb: (alpha * 1e9).round() as u64,
        latency_budget_us: budget(check, &mut table, "latency_budget"),
        ttft_budget_us: budget(check, &mut table, "ttft_budget"),
        min_requests: table.within(check, "min_requests", count, default.min_requests, ever.clone()),
        min_units: table.within(check, "min_units", count, default.min_units, ever.clone()),
        min_wall_ms: table.or(check, "min_wall", millis, default.min_wall_ms),
        min_double: table.within(check, "min_double", count, default.min_double, ever.clone()),
        critical_n: table.or(check, "critical_n", count, default.critical_n),
        unit_idle_ms: table.within(check, "unit_idle", millis, default.unit_idle_ms, 1..i64::MAX),
        unit_max: table.within(check, "unit_max", count, default.unit_max, 1..1_001),
        window: table.within(check, "window", count, default.window, 1..1_000_001),
        budget_units: table.within(check, "budget_units", count, default.budget_units, ever.clone()),
        hw_musd_per_s: table.within(check, "hw_musd_per_s", count, default.hw_musd_per_s, ever.clone()),
        cost_cap_musd: table.optional(check, "cost_cap_usd", dollars).or(default.cost_cap_musd),
        scorer: table.or(check, "scorer", parsed, default.scorer),
        canaries: match table.node("canaries") {
            Some(node) => items(check, &node).iter().filter_map(|node| canary_text(check, node)).collect(),
            None => default.canaries,
        },
        max_units: table.within(check, "max_units", count, default.max_units, ever),
        max_wall_ms: table.within(check, "max_wall", millis, default.max_wall_ms, 1..i64::MAX),
    };
    possible(check, &table, &out);
    table.finish(check);
    out
}

/// An attempt ends at its greatest extent: what it needs has to come before that.
fn possible(check: &mut Checker<'_>, table: &Table<'_>, gate: &GatePolicy) {
    if gate.cost_cap_musd == Some(0) {
        check.add(RANGE, &table.at("cost_cap_usd"), "no call costs nothing: must be 0.000001 or more");
    }
    for (key, need, limit, most) in [
        ("min_units", gate.min_units, "max_units", gate.max_units),
        ("budget_units", gate.budget_units, "max_units", gate.max_units),
        ("min_wall", gate.min_wall_ms.unsigned_abs(), "max_wall", gate.max_wall_ms.unsigned_abs()),
    ] {
        if need > most {
            check.add(RANGE, &table.at(key), format!("no attempt could pass: it is more than `{limit}`"));
        }
    }
}

/// A short one would stand in answers by chance.
fn canary_text(check: &mut Checker<'_>, node: &Node<'_>) -> Option<String> {
    let text = string(check, node)?;
    if text.trim().chars().count() < 8 {
        check.add(RANGE, &node.place, "a canary has at least 8 characters");
    }
    Some(text)
}

/// Below one half a floor says nothing, and its detector would not be sound.
fn floor(check: &mut Checker<'_>, table: &mut Table<'_>, key: &'static str, default: u32) -> u32 {
    let floor = table.or(check, key, share, Ppm(default)).0;
    if !(500_000..=1_000_000).contains(&floor) {
        check.add(RANGE, &table.at(key), "must be between 0.5 and 1");
    }
    floor
}

fn budget(check: &mut Checker<'_>, table: &mut Table<'_>, key: &'static str) -> Option<u64> {
    let budget = table.optional(check, key, micros);
    if budget.is_some_and(|us| us < 1_000) {
        check.add(RANGE, &table.at(key), "latencies are counted from 1 ms on");
    }
    budget
}

fn canary(check: &mut Checker<'_>, mut table: Table<'_>, distill: &Distill) -> RolloutPolicy {
    let default = RolloutPolicy::default();
    let steps = match table.node("steps") {
        Some(node) => steps(check, &node),
        None => default.steps,
    };
    let out = RolloutPolicy {
        enabled: table.or(check, "enabled", boolean, default.enabled),
        steps,
        dwell_ms: table.or(check, "dwell", millis, default.dwell_ms),
        step_units: table.within(check, "step_units", count, default.step_units, 1..1_000_001),
        cooldown_ms: table.or(check, "cooldown", millis, default.cooldown_ms),
        distill_min_pairs: if distill.enabled { distill.min_pairs } else { 0 },
        distill_every: if distill.enabled { distill.every } else { 0 },
    };
    table.finish(check);
    out
}

/// Weights in basis points: ascending, the last 10,000.
fn steps(check: &mut Checker<'_>, node: &Node<'_>) -> Vec<Weight> {
    let mut out: Vec<Weight> = Vec::new();
    for item in items(check, node) {
        let Some(bp) = count(check, &item) else { continue };
        let Some(weight) = u16::try_from(bp).ok().filter(|bp| (1..=10_000).contains(bp)).map(Weight) else {
            check.add(RANGE, &item.place, format!("{bp} is no weight: 1 to 10000 basis points"));
            continue;
        };
        if let Some(before) = out.last().filter(|before| **before >= weight) {
            check.add(RANGE, &item.place, format!("{weight} follows {before}"));
        }
        out.push(weight);
    }
    if out.last() != Some(&Weight::FULL) {
        check.add(RANGE, &node.place, "the last step must be 10000");
    }
    out
}

fn shadow(check: &mut Checker<'_>, mut table: Table<'_>) -> Shadow {
    let out = Shadow {
        rate: table.or(check, "rate", share, Ppm(100_000)),
        double_rate: table.or(check, "double_rate", share, Ppm(200_000)),
        concurrency: table.within(check, "concurrency", count, 4, 1..1_025),
        timeout: timeout(check, &mut table),
        teacher_budget_per_day: MicroUsd(
            i64::try_from(table.or(check, "teacher_budget_per_day_usd", dollars, 5_000_000))
                .unwrap_or(i64::MAX),
        ),
        caps: caps(check, &mut table),
    };
    table.finish(check);
    out
}

/// In no time every answer comes too late, which counts against the student.
fn timeout(check: &mut Checker<'_>, table: &mut Table<'_>) -> Duration {
    let timeout = table.or(check, "timeout", duration, Duration::from_secs(30));
    if !(Duration::from_millis(1)..=Duration::from_secs(3_600)).contains(&timeout) {
        check.add(RANGE, &table.at("timeout"), "must be between 1 ms and 1 h");
    }
    timeout
}

/// `rate = 0` is the way to ask nothing; a cap of 0 is a slip.
fn caps(check: &mut Checker<'_>, table: &mut Table<'_>) -> Caps {
    let cpus = table.or(check, "cpus", number, 1.0);
    if !(0.01..=1_024.0).contains(&cpus) {
        let hint = Some("`rate = 0` asks the student nothing");
        check.add_with_hint(RANGE, &table.at("cpus"), "must be between 0.01 and 1024 cores", hint);
    }
    Caps { milli_cpus: (cpus * 1e3).round() as u64, shed_above: table.or(check, "shed_above", count, 1_000) }
}
