//! A newer student beside the one that serves, as a panel of its route's page.

use kolm_core::{AxisStatus, Bounds, ChallengerStatus, RouteStatus};

use crate::chart::{self, Scale};
use crate::route::{Line, line};
use crate::{bets, words};

/// The panel.
pub(crate) struct Panel {
    pub(crate) facts: Vec<(&'static str, String)>,
    pub(crate) gate: Vec<Line>,
    pub(crate) axis: String,
    pub(crate) bets: Vec<bets::Line>,
}

/// The panel of a route that has a challenger.
pub(crate) fn panel(route: &RouteStatus) -> Option<Panel> {
    let own = route.challenger.as_ref()?;
    let axes = axes(own);
    let scale = Scale::over(axes.iter().flat_map(|a| [a.need, a.have.map(|b| b.lcb)]).flatten());
    Some(Panel {
        facts: facts(own, route),
        gate: axes.iter().map(|axis| line(axis, scale, own.n.requests)).collect(),
        axis: chart::axis(scale),
        bets: bets::lines(&own.bets),
    })
}

/// The gate's bars, and the one that only a challenger has to reach: the champion's K on the same requests.
fn axes(own: &ChallengerStatus) -> Vec<AxisStatus> {
    let have: Option<Bounds> = own.k.k;
    let champion = AxisStatus { name: String::from("K, champion"), need: own.champion, have };
    own.axes.iter().cloned().chain([champion]).collect()
}

fn facts(own: &ChallengerStatus, route: &RouteStatus) -> Vec<(&'static str, String)> {
    vec![
        ("student", words::short(&own.artifact).to_owned()),
        ("attempt", own.attempt.to_string()),
        ("share of the buckets", format!("{} of the route's {}", own.weight, route.weight)),
        ("process", String::from(if own.up { "answers" } else { "not running" })),
        ("scored requests", words::count(own.n.requests)),
        ("conversations", words::count(own.n.units)),
        ("drawn and not scored", words::count(own.n.dropped)),
    ]
}
