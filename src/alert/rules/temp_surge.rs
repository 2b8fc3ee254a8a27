//! Sorts and hashes that do not fit into memory and go to disk, much more than usual.

use std::time::Duration;

use super::surge;
use crate::alert::{Finding, Jump, Outcome, Rule};
use crate::known::Known;
use crate::model::observe::name;
use crate::model::rates::float;
use crate::model::statements::Growth;
use crate::pg::quote;
use crate::probe::Probe as _;
use crate::probe::activity::{Activity, Backend};
use crate::probe::counters::CountersProbe;
use crate::probe::settings::SettingsProbe;
use crate::probe::statements::StatementsProbe;
use crate::ui::format;

pub(super) static RULE: Rule = Rule {
    id: "temp_surge",
    title: "a surge of temporary files",
    pane: "overview",
    needs: &[CountersProbe::SPEC.id],
    uses: &[Activity::SPEC.id, StatementsProbe::SPEC.id, SettingsProbe::SPEC.id],
    server_wide: true,
    check,
    lasts: surge::lasts,
    settles: 60.0,
    warning: "{temp_surge_warn_bytes_per_sec} over a minute, for {surge_for_s}; a notice from half of that on if it is \
              above mean + 3 sigma of the 5 minutes before",
    critical: "{temp_surge_crit_bytes_per_sec} for as long",
    doc: "A sort, hash or materialization that needs more than work_mem is written to temporary files and read again. The \
          server counts a file when it is closed, so one large sort is counted in one moment, at its end.",
};

/// What is usual is what these minutes before show.
const WINDOW: Duration = Duration::from_mins(5);
/// A work_mem above this is no advice for a whole role.
const MOST_MIB: f64 = 512.0;
/// What is a sort of so much on disk takes up to so many times as much in memory.
const IN_MEMORY: f64 = 3.0;

fn check(known: &Known) -> Outcome {
    let alerts = &known.settings.alerts;
    let limits = (
        alerts.temp_surge_warn_bytes_per_sec,
        alerts.temp_surge_crit_bytes_per_sec,
    );
    let Some(pace) = surge::pace(known, name::TEMP_BYTES, WINDOW, limits) else {
        return Outcome::not_yet("temporary files per second need a second reading");
    };
    if pace.is_calm() {
        return Outcome::calm();
    }
    let sentence = format!("{} goes into temporary files", format::bytes_per_s(pace.now));
    let finding = Finding::new("", pace.reach, sentence, Jump::to("activity"));
    let block = surge::block(known);
    let who = surge::most(known, |growth| written(growth) * block);
    let finding = surge::blamed(pace.told(finding, known), known, who, pace.now, "writes");
    let finding = match waiting(known) {
        Some(line) => finding.detail(line),
        None => finding,
    };
    let work_mem = work_mem(known);
    let finding = match work_mem {
        Some(bytes) => finding.detail(format!("work_mem is {}", format::bytes(bytes))),
        None => finding,
    };
    let Some((growth, _)) = who else {
        return Outcome::of([finding]);
    };
    Outcome::of([match remedy(growth, block, work_mem) {
        Some(text) => finding.remedy("more work_mem for this role", text),
        None => finding,
    }])
}

/// Blocks of temporary files written: what is written is read again once, and both are counted.
fn written(growth: &Growth) -> f64 {
    float(growth.counters.temp) / 2.0
}

/// The server's `work_mem` in bytes.
fn work_mem(known: &Known) -> Option<f64> {
    let settings = known.fresh::<SettingsProbe>()?;
    let row = settings.get("work_mem").filter(|row| row.of_the_server())?;
    // pg_settings counts it in kB.
    row.value
        .as_deref()?
        .parse()
        .ok()
        .map(|kilobytes: f64| kilobytes * 1024.0)
}

/// Sessions that read or write temporary files in this moment.
fn waiting(known: &Known) -> Option<String> {
    let waits = |backend: &&Backend| {
        let event = backend.wait_event.as_deref();
        event.is_some_and(|event| event.starts_with("BufFile") || event.starts_with("BufferFile"))
    };
    let sessions: Vec<&Backend> = known.fresh::<Activity>()?.iter().filter(waits).collect();
    let first = sessions.first()?;
    let who = first.application_name.as_deref().filter(|name| !name.is_empty());
    let who = who.or(first.usename.as_deref()).unwrap_or("?");
    let count = format::counted(sessions.len(), "session waits", "sessions wait");
    Some(format!(
        "{count} for such files right now, among them pid {} ({who})",
        first.pid
    ))
}

/// A `work_mem` with which the statement would not need them.
fn remedy(growth: &Growth, block: f64, work_mem: Option<f64>) -> Option<String> {
    let role = growth.user.as_deref()?;
    let bytes = growth.per_call(written(growth) * block)? * IN_MEMORY;
    let mib = (bytes / (1024.0 * 1024.0)).log2().ceil().exp2().max(8.0);
    let more = work_mem.is_none_or(|now| mib * 1024.0 * 1024.0 > now);
    (more && mib <= MOST_MIB).then(|| {
        format!(
            "ALTER ROLE {} SET work_mem = '{mib:.0}MB';\n-- for new sessions; every sort and hash of each may take so much",
            quote::identifier(role)
        )
    })
}

#[cfg(test)]
mod tests;
