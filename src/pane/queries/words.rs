//! What stands above and below the statements.

use super::{Window, advice};
use crate::model::clock;
use crate::model::statements::{Advice, Interval, denied, shortcomings};
use crate::pane::common::Notice;
use crate::pane::list::Piece;
use crate::pg::fault::FaultKind;
use crate::probe::Probe;
use crate::probe::extensions::ExtensionsProbe;
use crate::probe::statement_texts::StatementTexts;
use crate::probe::statements::StatementsProbe;
use crate::ui::format;
use crate::ui::look::Role;
use crate::world::World;

/// The windows, the one in force in brackets, and how much is shown of how much.
pub(super) fn head(window: Window, world: &World, rows: usize) -> Vec<Piece> {
    let shown = window.interval(world);
    let really = shown.map_or(window, |(really, _)| really);
    let mut pieces: Vec<Piece> = Window::ALL.into_iter().map(|each| tab(each, really, world)).collect();
    if window == Window::Last
        && shown.is_some()
        && let Err(gap) = world.workload.last()
    {
        pieces.push((format!("last: {gap}"), Role::Notice));
    }
    if let Some((_, interval)) = shown {
        pieces.push((top_of(world, rows), Role::Text));
        if let Some(seconds) = interval.seconds() {
            #[expect(clippy::cast_precision_loss, reason = "a rate")]
            let calls = interval.calls as f64 / seconds;
            pieces.push((format!("{} calls/s", format::rate(calls)), Role::Text));
            let at_once = interval.total_ms / 1000.0 / seconds;
            pieces.push((format!("{} at once", format::rate(at_once)), Role::Text));
        }
    }
    pieces
}

fn tab(window: Window, shown: Window, world: &World) -> Piece {
    let text = match window {
        Window::Last => world.workload.last().map_or_else(
            |_| "last".to_owned(),
            |last| {
                format!(
                    "last {}",
                    last.seconds().map_or_else(|| "0s".to_owned(), format::duration)
                )
            },
        ),
        Window::Mark => match world.workload.marked() {
            Some(since) => format!("since {}", clock::time_of_day(Some(since), &world.zone)),
            None => "mark".to_owned(),
        },
        Window::Reset => "since reset".to_owned(),
    };
    if window == shown {
        (format!("[{text}]"), Role::Accent)
    } else {
        (text, Role::Muted)
    }
}

fn top_of(world: &World, rows: usize) -> String {
    let top = usize::try_from(world.settings.top_queries).unwrap_or(usize::MAX);
    if rows > top {
        format!("top {top} of {}", format::count(rows))
    } else {
        format::counted(rows, "statement", "statements")
    }
}

/// "15s since 10:42:07": so many seconds that ended at that time.
pub(in crate::pane) fn span(seconds: Option<f64>, to: f64, world: &World) -> String {
    match seconds {
        Some(seconds) => {
            let from = clock::time_of_day(Some(to - seconds), &world.zone);
            format!("{} since {from}", format::duration(seconds))
        }
        None => "a time of unknown length".to_owned(),
    }
}

/// Why there is nothing to show at all, if that is known.
pub(in crate::pane) fn blocked(world: &World) -> Option<Notice> {
    if let Some(Advice { sentence, remedy }) = advice(world) {
        return Some(Notice::new(Role::Warning, format!("{sentence} {remedy}")));
    }
    let fault = world.last_ran(StatementsProbe::SPEC.id)?.fault.as_ref()?;
    let remedy = denied(world.server.as_deref()?).filter(|_| fault.kind == FaultKind::Denied)?;
    Some(Notice::new(Role::Denied, format!("{} {remedy}", fault.sentence)))
}

/// What has to be known to read the numbers, the gravest first.
pub(super) fn notice(window: Window, world: &World) -> Option<Notice> {
    let extensions = world.get::<ExtensionsProbe>();
    let mut said: Vec<(Role, String)> = Vec::new();
    let shown = window.interval(world);
    if let Some((really, interval)) = shown {
        let max = extensions.and_then(|extensions| extensions.statements_max);
        said.extend(broken(really, interval, max, world).map(|text| (Role::Notice, text)));
    }
    if let (Some(server), Some(extensions)) = (world.server.as_deref(), extensions) {
        let hidden = shown.map_or((0, 0), |(_, interval)| (interval.hidden, interval.all));
        for Advice { sentence, remedy } in shortcomings(server, extensions, hidden) {
            said.push((Role::Denied, format!("{sentence} {remedy}")));
        }
    }
    if window == Window::Last
        && let Some(gap) = world.workload.mark_gap()
    {
        said.push((Role::Notice, format!("The mark was given up: {gap}.")));
    }
    said.extend(texts(world).map(|text| (Role::Warning, text)));
    let role = said.first()?.0;
    let all: Vec<String> = said.into_iter().map(|(_, text)| text).collect();
    Some(Notice::new(role, all.join(" ")))
}

/// How the interval is broken.
fn broken(window: Window, interval: &Interval, max: Option<i64>, world: &World) -> Option<String> {
    let evicted = interval.evictions.filter(|evictions| *evictions > 0);
    let max = max.map_or_else(String::new, |max| format!(" ({max})"));
    let mut parts = Vec::new();
    if interval.reset {
        let at = clock::time_of_day(interval.from, &world.zone);
        parts.push(format!("The counters were reset at {at}: the numbers begin there."));
    }
    if let Some(evicted) = evicted {
        let times = if evicted == 1 {
            "once".to_owned()
        } else {
            format!("{evicted} times")
        };
        parts.push(format!(
            "Entries were evicted {times}: pg_stat_statements.max{max} is too small, and what they had counted is lost."
        ));
    }
    if window != Window::Reset {
        if interval.unknown > 0 {
            let many = format::counted(interval.unknown, "row has", "rows have");
            parts.push(format!(
                "{many} no numbers: counters fell, or were not asked for before."
            ));
        }
        if interval.vanished > 0 && evicted.is_none() && !interval.reset {
            let many = format::counted(interval.vanished, "entry", "entries");
            parts.push(format!("{many} vanished, evicted or reset one by one."));
        }
    }
    if interval.partial {
        parts.push(format!(
            "Of {} entries the {} with most time spent are compared.",
            format::count(interval.all),
            format::count(crate::probe::statements::MOST)
        ));
    }
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// Why texts are missing.
fn texts(world: &World) -> Option<String> {
    let fault = world.last_ran(StatementTexts::SPEC.id)?.fault.as_ref()?;
    if fault.sqlstate.as_deref() != Some("22021") {
        return Some(format!("The texts could not be read: {fault}"));
    }
    let major = world.server.as_ref().map_or(0, |server| server.major());
    let instead = if major >= 14 {
        " Those seen in running sessions stand in for them."
    } else {
        ""
    };
    Some(format!(
        "The texts cannot be read: one of them is not in this database's encoding, and the server refuses all. The numbers \
         are right.{instead} After SELECT pg_stat_statements_reset(); texts come back."
    ))
}
