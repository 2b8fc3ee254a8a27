//! Pane by pane: what is shown and what is not.

use super::{Examined, Pane, Point};
use crate::known::{Freshness, Known};
use crate::model::statements::{absent, denied};
use crate::model::storage::sequences;
use crate::pg::fault::FaultKind;
use crate::pg::privilege;
use crate::pg::server::Server;
use crate::probe::Probe as _;
use crate::probe::archive_backlog::ArchiveBacklogProbe;
use crate::probe::archiver::ArchiverProbe;
use crate::probe::extensions::ExtensionsProbe;
use crate::probe::sequences::SequencesProbe;
use crate::probe::statements::StatementsProbe;
use crate::ui::format;

/// What a role sees less of in a pane without `pg_monitor`.
const HIDDEN: &[(&str, &str)] = &[
    (
        "overview",
        "what other roles' sessions do and wait for is hidden; they are counted as hidden.",
    ),
    (
        "activity",
        "state, wait and statement of other roles' sessions are hidden.",
    ),
    (
        "locks",
        "every wait is shown, but what other roles' sessions run is hidden.",
    ),
    (
        "vacuum",
        "how far the commands of other roles got, and whose snapshots hold VACUUM back, is hidden.",
    ),
    (
        "replication",
        "state and positions of standbys, and how many WAL files wait to be archived, are hidden.",
    ),
    (
        "wraparound",
        "whose snapshot holds a table back, and whether a worker is at it, is hidden.",
    ),
];

pub(super) fn points(examined: &Examined<'_>) -> Vec<Point> {
    let known = &examined.seen.known;
    let Some(server) = known.server.as_deref() else {
        return Vec::new();
    };
    examined
        .panes
        .iter()
        .flat_map(|pane| of_pane(pane, known, server))
        .collect()
}

fn of_pane(pane: &Pane, known: &Known, server: &Server) -> Vec<Point> {
    let hidden = HIDDEN
        .iter()
        .filter(|(id, _)| *id == pane.id && !server.reads_all_stats);
    let hidden = hidden.map(|(_, what)| Point::limited(*what).with(privilege::grant_monitor(&server.role)));
    let probes = pane.probes.iter().filter_map(|probe| of_probe(probe, known, server));
    let values = (pane.probes.contains(&SequencesProbe::SPEC.id))
        .then(|| unreadable(known, server))
        .flatten();
    let mut points: Vec<Point> = hidden.chain(probes).chain(values).collect();
    if points.is_empty() {
        points.push(Point::ok(answered(pane, known)));
    }
    for point in &mut points {
        point.pane = Some(pane.id);
        point.sentence = format!("{}: {}", pane.title, point.sentence);
    }
    points
}

/// What stands in the way of a probe, if anything.
fn of_probe(probe: &str, known: &Known, server: &Server) -> Option<Point> {
    match known.freshness(probe) {
        Freshness::Fresh(_) | Freshness::Stale(_) | Freshness::Failed => failed(probe, known, server),
        Freshness::Skipped(reason) => Some(Point::limited(format!("{reason}.")).with(missing(probe, known, server)?)),
        Freshness::Loading => Some(Point::limited(format!("{} was not answered.", title(probe)))),
    }
}

fn title(probe: &str) -> &str {
    crate::probe::entry(probe).map_or(probe, |entry| entry.spec.title)
}

/// What went wrong the last time it was asked.
fn failed(probe: &str, known: &Known, server: &Server) -> Option<Point> {
    let fault = known.last_ran(probe)?.fault.as_ref()?;
    let point = Point::limited(format!("{} failed. {}", title(probe), fault.sentence));
    let grant = denied(server).filter(|_| probe == StatementsProbe::SPEC.id && fault.kind == FaultKind::Denied);
    let remedy = grant.or_else(|| fault.remedy.clone());
    Some(match remedy {
        Some(remedy) => point.with(remedy),
        None => point,
    })
}

/// What would make a probe that was not asked be asked; `None` where there is nothing to ask now.
fn missing(probe: &str, known: &Known, server: &Server) -> Option<String> {
    if probe == StatementsProbe::SPEC.id {
        return Some(absent(server, known.get::<ExtensionsProbe>()?)?.remedy);
    }
    let may_list = known.get::<ArchiverProbe>().is_none_or(|archiver| archiver.may_list);
    (probe == ArchiveBacklogProbe::SPEC.id && !may_list && server.reads_all_stats)
        .then(|| privilege::grant_monitor(&server.role))
}

/// Sequences whose values the role may not see.
fn unreadable(known: &Known, server: &Server) -> Option<Point> {
    let sequences = known.get::<SequencesProbe>().filter(|known| known.unreadable > 0)?;
    let all = sequences.read.saturating_add(sequences.unreadable);
    let sentence = format!(
        "the values of {} of {} are hidden: none of these is known to run out.",
        format::count(sequences.unreadable),
        format::counted(all, "sequence", "sequences")
    );
    let remedy = if server.major() >= 14 {
        privilege::grant_read_all_data(&server.role)
    } else {
        sequences::grant(sequences, server)
    };
    Some(Point::limited(sentence).with(remedy))
}

/// How much was asked and how much there was no need to.
fn answered(pane: &Pane, known: &Known) -> String {
    let skipped = |probe: &&&str| matches!(known.freshness(probe), Freshness::Skipped(_));
    let skipped = pane.probes.iter().filter(skipped).count();
    let all = format::counted(pane.probes.len() - skipped, "question", "questions");
    if skipped == 0 {
        format!("{all} answered.")
    } else {
        format!("{all} answered, {skipped} not needed now.")
    }
}
