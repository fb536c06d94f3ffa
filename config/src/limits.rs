//! `[namespaces.NAME.limits]` and `[namespaces.NAME.key_limits]`: budgets of a namespace, and of each of its keys.

use kolm_core::MicroUsd;
use kolm_policies::limit::Limits;

use crate::problem::RANGE;
use crate::table::{Checker, Table, count, dollars};

/// A budget; what it does not say does not bind.
pub(crate) fn limits(check: &mut Checker<'_>, mut table: Table<'_>) -> Limits {
    let mut number = |check: &mut Checker<'_>, key, read| {
        let value: Option<u64> = table.optional(check, key, read);
        if value == Some(0) {
            check.add(
                RANGE,
                &table.at(key),
                "a limit of 0 refuses everything: leave it out, or revoke the key",
            );
        }
        value
    };
    let money = |value: Option<u64>| value.map(|musd| MicroUsd(i64::try_from(musd).unwrap_or(i64::MAX)));
    let out = Limits {
        requests_per_minute: number(check, "requests_per_minute", count),
        tokens_per_minute: number(check, "tokens_per_minute", count),
        concurrent: number(check, "concurrent", count),
        usd_per_day: money(number(check, "usd_per_day", dollars)),
        usd_per_month: money(number(check, "usd_per_month", dollars)),
    };
    table.finish(check);
    out
}
