//! WAL files do not get into the archive: they stay in `pg_wal` until the disk is full, and what comes after the last
//! archived one cannot be restored.

use crate::alert::{Finding, Jump, Outcome, Reach, Rule, Thing, used};
use crate::known::Known;
use crate::model::archive::{State, Waiting};
use crate::model::trails::What;
use crate::probe::Probe as _;
use crate::probe::archive_backlog::{ArchiveBacklog, ArchiveBacklogProbe};
use crate::probe::archiver::{Archiver, ArchiverProbe};
use crate::ui::format;

pub(super) static RULE: Rule = Rule {
    id: "archiver",
    title: "WAL is not archived",
    pane: "replication",
    needs: &[ArchiverProbe::SPEC.id],
    uses: &[ArchiveBacklogProbe::SPEC.id],
    server_wide: true,
    check,
    // One attempt that fails is repeated within a second.
    lasts: |_, _| 5.0,
    settles: 0.0,
    warning: "a file waits and none has been archived for {archive_failing_warn_s}",
    critical: "for {archive_failing_crit_s}",
    doc: "archive_command or archive_library fails, hangs or is missing: the server log says which. The files stay in \
          pg_wal and fill its disk, and a restore ends at the last archived one.",
};

fn check(known: &Known) -> Outcome {
    let Some(archiver) = known.get::<ArchiverProbe>() else {
        return Outcome::calm();
    };
    let state = State::of(archiver);
    if matches!(state, State::Off | State::OnStandby) {
        return Outcome::calm();
    }
    let backlog = match used::<ArchiveBacklogProbe>(known) {
        Ok(backlog) => backlog,
        Err(unknown) => return unknown,
    };
    Outcome::of(finding(archiver, &state, backlog, known))
}

/// For how long nothing has been archived though something waits, in seconds.
fn stuck(archiver: &Archiver, state: &State, backlog: Option<&ArchiveBacklog>) -> Option<f64> {
    let since_success = archiver.archived_age_s;
    if let Some(backlog) = backlog {
        // Where very many wait they are counted less often.
        let oldest = backlog.oldest_s? + (archiver.epoch - backlog.epoch).max(0.0);
        return Some(since_success.map_or(oldest, |success| success.min(oldest)));
    }
    // A role that may not list them knows that the last attempt failed, or sees it by the position.
    let waits =
        matches!(state, State::Failing(_)) || Waiting::of(archiver, None).is_some_and(|waiting| waiting.files() > 0);
    let since_reset = || archiver.reset.map(|reset| archiver.epoch - reset);
    waits.then(|| since_success.or_else(since_reset))?
}

fn finding(archiver: &Archiver, state: &State, backlog: Option<&ArchiveBacklog>, known: &Known) -> Option<Finding> {
    let limits = &known.settings.alerts;
    let seconds = stuck(archiver, state, backlog)?;
    let waiting = Waiting::of(archiver, backlog);
    let files = waiting.map(|waiting| {
        let about = if matches!(waiting, Waiting::About(_)) {
            "≈ "
        } else {
            ""
        };
        let files = format::counted(waiting.files(), "file waits", "files wait");
        let bytes = format::bytes(waiting.files().saturating_mul(archiver.segment_bytes));
        format!(": {about}{files} ({bytes})")
    });
    let age = format::age(seconds);
    let what = match state {
        State::Failing(_) => format!("archiving has failed for {age}"),
        State::NoCommand => format!("WAL waits for an archive_command for {age}"),
        _ => format!("nothing has been archived for {age}"),
    };
    let reach = Reach::rising(seconds, limits.archive_failing_warn_s, limits.archive_failing_crit_s);
    let jump = Jump::panel("replication", "archiver").row(Thing::Archiver);
    let finding = Finding::new("", reach, format!("{what}{}", files.unwrap_or_default()), jump)
        .since(known.began::<ArchiverProbe>(Some(seconds)))
        .about(Thing::Archiver);
    Some(evidence(finding, archiver, state, known))
}

fn evidence(mut finding: Finding, archiver: &Archiver, state: &State, known: &Known) -> Finding {
    finding = finding.detail(match (state, &archiver.last_failed_wal) {
        (State::Failing(seconds), Some(file)) => {
            format!(
                "{file} failed {}, {} failures in all: see the server log",
                format::ago(*seconds),
                archiver.failed_count
            )
        }
        (State::NoCommand, _) => "archive_mode is on, and archive_command and archive_library are empty".to_owned(),
        _ => "the last attempt has not come back: the command hangs or is slow".to_owned(),
    });
    finding = finding.detail(match (&archiver.last_archived_wal, archiver.archived_age_s) {
        (Some(file), Some(age)) => format!("the last one archived is {file}, {}", format::ago(age)),
        _ => "nothing was ever archived since the statistics began".to_owned(),
    });
    let growth = known.series.trails().speed(What::ArchiveWaiting, "");
    match growth.filter(|speed| speed.per_second > 0.0) {
        Some(speed) => {
            #[expect(clippy::cast_precision_loss, reason = "a segment has at most 1 GiB")]
            let bytes = format::bytes(speed.per_second * 3600.0 * archiver.segment_bytes as f64);
            finding.detail(format!("pg_wal grows by {bytes} an hour because of it"))
        }
        None => finding,
    }
}

#[cfg(test)]
mod tests;
