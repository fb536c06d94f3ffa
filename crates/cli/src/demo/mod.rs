//! `kolm demo`: the whole loop on one machine, offline. A sample cloud, the real gateway, real training, the real
//! gate and ladder; only waiting times are shortened, statistics never.

mod cloud;
mod drive;
mod summary;
mod tickets;
mod traffic;
mod world;

use std::path::{Path, PathBuf};
use std::time::Duration;

use kolm_core::{Code, DecisionKind, Env, Exit, RouteStatus, Stage};
use tokio::signal::unix::SignalKind;

pub(crate) use cloud::run as sample_cloud;
pub(crate) use traffic::Pair;

use crate::args::Demo;
use crate::disk;
use crate::progress::Progress;
use crate::report::{Done, Failure, print_json};
use drive::{App, Tally};
use summary::Summary;
use traffic::Traffic;
use world::World;

/// The model that the sample cloud stands for; list prices are its.
pub(crate) const MODEL: &str = "gpt-4o-mini";
/// Requests sent at 100 % after the ladder is done, to show the end state.
const AFTERGLOW: usize = 300;
/// Requests sent between two looks at the route.
const BATCH: usize = 150;
/// How long training may take before the demo gives up.
const TRAINING_LIMIT: Duration = Duration::from_secs(420);
/// How long the ladder may take before the demo says why it held.
const LADDER_LIMIT_US: u64 = 240_000_000;

/// Runs the demo.
pub(crate) fn run(args: &Demo, env: &Env, json: bool) -> Done {
    let scratch = Scratch::new(args.keep.as_deref())?;
    let started = env.clock.micros();
    let mut summary = crate::runtime()?.block_on(async {
        tokio::select! {
            played = play(args, env, &scratch.dir) => played,
            // Children and scratch directory go with what is dropped here.
            () = interrupted() => Err(Failure::new(Code(22), Exit::Cancelled, "stopped", "--keep DIR keeps what there is by then")),
        }
    })?;
    summary.wall_seconds = (env.clock.micros() - started) as f64 / 1e6;
    summary.kept = args.keep.clone();
    summary.artifact = summary.artifact.map(|artifact| scratch.outlive(artifact)).transpose()?;
    summary.print();
    if json {
        print_json(&summary);
    }
    Ok(if summary.passed() { Exit::Ok } else { Exit::Failed })
}

/// Until somebody wants it to end.
async fn interrupted() {
    let signal = |kind| async move {
        match tokio::signal::unix::signal(kind) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = signal(SignalKind::interrupt()) => {}
        () = signal(SignalKind::terminate()) => {}
        () = signal(SignalKind::hangup()) => {}
    }
}

async fn play(args: &Demo, env: &Env, dir: &Path) -> Result<Summary, Failure> {
    let traffic = Traffic::prepare(args)?;
    let progress = Progress::new();
    let answers = traffic.pairs.iter().chain(&traffic.eval);
    let settings = Settings { pairs: traffic.pairs.len(), fast: args.fast };
    let world = World::start(dir, answers, args.cloud_delay, |cloud| settings.toml(cloud)).await?;
    progress.done(&format!("sample cloud on {} ({} ms to the first token)", world.cloud(), args.cloud_delay));
    progress
        .done(&format!("kolm up on {}, dashboard http://{}", world.admin.run.listen, world.admin.run.admin));

    let app = App::new(&world.admin.run.listen, traffic.users.clone()).map_err(|error| {
        Failure::new(Code(9), Exit::Failed, error, "this is a defect of this machine's set-up")
    })?;
    let bar = progress.bar("capture", traffic.pairs.len() as u64);
    let mut tally = app.send(&traffic.pairs, || bar.inc(1)).await;
    bar.finish(&format!("{} pairs sent, {} errors", traffic.pairs.len(), tally.errors));
    let captured = wait_captured(&world, tally.receipts.len() as u64).await?;

    let trained = wait_trained(&world, &progress).await?;
    let train_seconds = train_seconds(&world, &trained).await?;
    let after = match trained.stage {
        Stage::Collecting | Stage::Distilling => trained,
        Stage::Shadow | Stage::Step(_) | Stage::Full | Stage::Paused | Stage::Cooldown | Stage::Rejected => {
            climb(&world, env, &app, &traffic, &progress, &mut tally).await?
        }
    };
    let data = world.stop().await?.join("data");
    progress.done("kolm up ended; every spooled pair and every receipt is on disk");
    finish(env, &traffic, tally, captured, after, train_seconds, &data, &progress).await
}

/// Waits until every exchange of the first traffic is stored or counted as dropped.
async fn wait_captured(world: &World, sent: u64) -> Result<u64, Failure> {
    let mut stored = 0;
    for _ in 0..300 {
        let capture = world.status().await?.capture;
        stored = capture.stored;
        let dropped: u64 = capture.dropped.iter().map(|(_, n)| n).sum();
        if stored + dropped >= sent {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(stored)
}

async fn wait_trained(world: &World, progress: &Progress) -> Result<RouteStatus, Failure> {
    let bar = progress.bar("distill", 0);
    let mut waited = Duration::ZERO;
    loop {
        let route = route(world).await?;
        if let Some(train) = &route.train {
            bar.set(train.step, train.steps);
            bar.message(&format!("{} loss {:.3} valid {:.3}", train.phase, train.loss, train.valid));
        }
        if !matches!(route.stage, Stage::Collecting | Stage::Distilling) {
            bar.finish(&route.sentence);
            return Ok(route);
        }
        if waited > TRAINING_LIMIT {
            bar.finish("no student in time");
            return Ok(route);
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
        waited += Duration::from_millis(250);
    }
}

/// From the decision to distill to the candidate, as the Decision rows say it.
async fn train_seconds(world: &World, route: &RouteStatus) -> Result<f64, Failure> {
    let rows = world.admin.decisions(Some(&route.route)).await?;
    let at = |kind| rows.iter().find(|row| row.kind == kind).map(|row| row.t);
    let (from, to) = (at(DecisionKind::Distill), at(DecisionKind::Candidate));
    Ok(from.zip(to).map_or(0.0, |(from, to)| to.since(from) as f64 / 1e3))
}

/// Sends the eval traffic until the route has arrived, was refused, or time is up; kills the student once.
async fn climb(
    world: &World,
    env: &Env,
    app: &std::sync::Arc<App>,
    traffic: &Traffic,
    progress: &Progress,
    tally: &mut Tally,
) -> Result<RouteStatus, Failure> {
    let bar = progress.bar("rollout", 10_000);
    let started = env.clock.micros();
    let (mut next, mut killed) = (0, false);
    loop {
        let batch: Vec<_> =
            (0..BATCH).map(|i| traffic.eval[(next + i) % traffic.eval.len()].clone()).collect();
        next += BATCH;
        let (sent, ()) = tokio::join!(app.send(&batch, || ()), async {
            let route = route(world).await.ok();
            if !killed && route.is_some_and(|route| route.weight.0 >= 2_500) {
                killed = world.kill_student();
            }
        });
        tally.add(sent);
        let route = route(world).await?;
        bar.set(u64::from(route.weight.0), 10_000);
        bar.message(&route.sentence);
        let over = matches!(route.stage, Stage::Full | Stage::Rejected | Stage::Cooldown);
        if over || env.clock.micros() - started > LADDER_LIMIT_US {
            bar.finish(&route.sentence);
            let rest: Vec<_> = traffic.eval.iter().cycle().skip(next).take(AFTERGLOW).cloned().collect();
            tally.add(app.send(&rest, || ()).await);
            if killed {
                progress.done("the student was killed once under traffic and came back");
            }
            return self::route(world).await;
        }
    }
}

async fn route(world: &World) -> Result<RouteStatus, Failure> {
    world.status().await?.routes.into_iter().next().ok_or_else(|| {
        Failure::new(
            Code(9),
            Exit::Failed,
            "the gateway shows no route",
            "this is a defect: please report it",
        )
    })
}

#[expect(clippy::too_many_arguments, reason = "the one place where all that was measured comes together")]
async fn finish(
    env: &Env,
    traffic: &Traffic,
    tally: Tally,
    captured: u64,
    route: RouteStatus,
    train_seconds: f64,
    data: &Path,
    progress: &Progress,
) -> Result<Summary, Failure> {
    let bar = progress.bar("verify", tally.receipts.len() as u64);
    let verifier = kolm_receipts::verify::Verifier::load(&data.join("ledger"))?;
    let receipts: Vec<_> = tally.receipts.iter().map(String::as_str).collect();
    let verified =
        verifier.headers(&receipts).iter().filter(|verdict| verdict.ok == Some(true)).count() as u64;
    bar.finish(&format!("{verified} of {} receipts verified", tally.receipts.len()));
    let found = disk::search(data.parent().unwrap_or(data), data, &traffic.planted, env).await?.values;
    progress
        .done(&format!("{} planted identifiers searched for, {found} found on disk", traffic.planted.len()));
    Summary::of(traffic, tally, captured, verified, found, &route, train_seconds, (data, env))
}

/// What the demo's gateway.toml varies.
struct Settings {
    pairs: usize,
    fast: bool,
}

impl Settings {
    /// The configuration: waiting times shortened, every statistic as it is by default.
    fn toml(&self, cloud: &str) -> String {
        let branches = if self.fast { "ngram" } else { "both" };
        include_str!("gateway.toml")
            .replace("{cloud}", cloud)
            .replace("{min_pairs}", &(self.pairs * 98 / 100).to_string())
            .replace("{branches}", branches)
    }
}

/// The scratch directory: kept where asked for, else gone at the end.
struct Scratch {
    dir: PathBuf,
    keep: bool,
}

impl Scratch {
    fn new(keep: Option<&Path>) -> Result<Self, Failure> {
        let dir = match keep {
            Some(dir) => dir.to_owned(),
            None => std::env::temp_dir().join(format!("kolm-demo-{}", std::process::id())),
        };
        if std::fs::read_dir(&dir).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(Failure::new(
                Code(5),
                Exit::Usage,
                format_args!("{} is not empty", dir.display()),
                "name a new directory with --keep, or remove that one",
            ));
        }
        std::fs::create_dir_all(&dir).map_err(|error| Failure::io(&dir, &error))?;
        Ok(Self { dir, keep: keep.is_some() })
    }

    /// Where the artifact stays when the directory goes: beside it.
    fn outlive(&self, artifact: PathBuf) -> Result<PathBuf, Failure> {
        if self.keep {
            return Ok(artifact);
        }
        let kept = self.dir.with_extension("kolm");
        std::fs::rename(&artifact, &kept).map_err(|error| Failure::io(&kept, &error))?;
        Ok(kept)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.keep {
            drop(std::fs::remove_dir_all(&self.dir));
        }
    }
}
