//! How much of a table is air, as labelled facts: by estimate, and as measured.

use super::ago;
use super::facts::has_rows;
use crate::model::bloat::{self, Confidence, Estimate, Input, Why};
use crate::model::relation_sql;
use crate::pane::page::{Fact, Rich};
use crate::probe::measure::{Heap, Measured};
use crate::probe::relation::Identity;
use crate::probe::relation_columns::Column;
use crate::probe::relation_stats::Stats;
use crate::ui::format;
use crate::ui::look::Role;
use crate::world::World;

/// What the estimate rests on.
pub(super) fn input<'a>(identity: &Identity, stats: Option<&Stats>, columns: &'a [Column]) -> Input<'a> {
    Input {
        block: identity.block,
        pages: identity.pages,
        pages_now: identity
            .size
            .exact
            .map(|exact| exact.heap / i64::from(identity.block.max(1))),
        tuples: identity.tuples,
        // A standby does not count changes.
        mods: stats.filter(|stats| !stats.in_recovery).map(|stats| stats.mods),
        fillfactor: bloat::fillfactor(&identity.options).unwrap_or(100),
        columns,
    }
}

/// The estimate, or why there is none.
pub(super) fn estimated(identity: &Identity, estimate: &Result<Estimate, Why>, world: &World) -> Vec<Fact> {
    if !has_rows(identity) {
        return Vec::new();
    }
    let rich = match estimate {
        _ if identity.kind == "t" => Rich::new(
            "no estimate: the chunks of a TOAST table have no statistics",
            Role::Muted,
        ),
        Ok(estimate) => number(identity, estimate),
        Err(why) => Rich::new(why_not(*why, identity, world), why_role(*why)),
    };
    vec![Fact::new("Bloat", rich)]
}

fn number(identity: &Identity, estimate: &Estimate) -> Rich {
    let mut rich = Rich::new(
        format!(
            "\u{2248} {}, {} of the {}",
            format::bytes(estimate.bytes),
            format::percent(estimate.percent),
            heap_then(identity)
        ),
        Role::Estimated,
    );
    let because = match (estimate.confidence, estimate.changed) {
        (Confidence::Good, _) => String::new(),
        (_, None) => ": how much has changed since ANALYZE is not known".to_owned(),
        (_, Some(changed)) if changed >= 5.0 => {
            format!(": {} of the rows changed since ANALYZE", format::percent(changed))
        }
        (_, Some(_)) if estimate.row * 16.0 > f64::from(identity.block) => ": rows are wide".to_owned(),
        (..) => ": its size has changed since".to_owned(),
    };
    rich.push(
        format!(
            " by the widths of its columns (a row {} B); confidence {}{because}",
            format::count(estimate.row),
            estimate.confidence
        ),
        Role::Muted,
    );
    rich
}

/// The estimate is of the heap as it was when its rows were counted: how large that was, where it was another size.
fn heap_then(identity: &Identity) -> String {
    let then = identity.pages.saturating_mul(i64::from(identity.block));
    let now = identity.size.exact.map_or(then, |exact| exact.heap);
    if format::bytes(then) == format::bytes(now) {
        "heap".to_owned()
    } else {
        format!("{} of heap when last counted", format::bytes(then))
    }
}

fn why_role(why: Why) -> Role {
    match why {
        Why::Hidden(..) => Role::Denied,
        Why::NeverAnalyzed | Why::NoStatistics(..) => Role::Notice,
        Why::Small => Role::Muted,
    }
}

fn why_not(why: Why, identity: &Identity, world: &World) -> String {
    match why {
        Why::Hidden(hidden, all) => {
            let server = world.server.as_deref();
            let grant = server.map_or_else(String::new, |server| {
                relation_sql::grant_statistics(&identity.name, &server.role, server.major())
            });
            format!("no estimate: statistics of {hidden} of {all} columns are hidden from this role.  {grant}")
        }
        Why::NeverAnalyzed => "no estimate: ANALYZE never ran, or found no row".to_owned(),
        Why::NoStatistics(missing, all) => {
            format!("no estimate: {missing} of {all} columns have no statistics yet; ANALYZE makes them")
        }
        Why::Small => "no estimate: so few pages are not worth one".to_owned(),
    }
}

/// What was measured.
pub(super) fn measured(identity: &Identity, measured: &[Measured], now: Option<f64>) -> Vec<Fact> {
    let toast = identity.toast.as_ref();
    let fact = |one: &Measured| {
        let heap = one.found.as_ref().ok()?;
        let options = match toast {
            Some(toast) if toast.oid == one.oid => None,
            _ => Some(identity.options.as_slice()),
        };
        let label = if options.is_some() { "Measured" } else { "TOAST" };
        let fillfactor = options.and_then(bloat::fillfactor).unwrap_or(100);
        let rich = measurement(heap, bloat::to_win(heap, fillfactor));
        Some((label, rich, one.at))
    };
    let facts = measured.iter().filter_map(fact);
    facts
        .map(|(label, mut rich, at)| {
            rich.fact(format!("pgstattuple_approx, {}", ago(at, now)), Role::Muted);
            Fact::new(label, rich)
        })
        .collect()
}

fn measurement(heap: &Heap, win: i64) -> Rich {
    let mut rich = Rich::new(
        format!("{} to win, {}", format::bytes(win), format::share(win, heap.bytes)),
        Role::Title,
    );
    rich.fact(
        format!(
            "dead {} ({})",
            format::share(heap.dead_bytes, heap.bytes),
            format::count(heap.dead)
        ),
        Role::Text,
    );
    rich.fact(
        format!("free {}", format::share(heap.free_bytes, heap.bytes)),
        Role::Text,
    );
    rich.fact(
        format!("live {}", format::share(heap.live_bytes, heap.bytes)),
        Role::Text,
    );
    rich.fact(
        format!("read {} of the pages", format::percent(heap.scanned)),
        Role::Text,
    );
    rich
}
