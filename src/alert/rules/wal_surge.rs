//! Much more WAL than the server is used to, or than its disks, archive and standbys can take.

use std::time::Duration;

use super::surge;
use crate::alert::{Finding, Jump, Outcome, Rule};
use crate::known::Known;
use crate::model::observe::name;
use crate::probe::Probe as _;
use crate::probe::counters::CountersProbe;
use crate::probe::progress::{Progress, ProgressProbe};
use crate::probe::pulse::PulseProbe;
use crate::probe::settings::SettingsProbe;
use crate::probe::statements::StatementsProbe;
use crate::ui::format;

pub(super) static RULE: Rule = Rule {
    id: "wal_surge",
    title: "a surge of WAL",
    pane: "overview",
    needs: &[PulseProbe::SPEC.id],
    uses: &[
        CountersProbe::SPEC.id,
        StatementsProbe::SPEC.id,
        ProgressProbe::SPEC.id,
        SettingsProbe::SPEC.id,
    ],
    server_wide: true,
    check,
    lasts: surge::lasts,
    settles: 60.0,
    warning: "{wal_surge_warn_bytes_per_sec} over a minute, for {surge_for_s}; a notice from half of that on if it is \
              above mean + 3 sigma of the 15 minutes before",
    critical: "{wal_surge_crit_bytes_per_sec} for as long",
    doc: "WAL has to be written, flushed, archived and sent to standbys before it can go. Look at who writes: a bulk load, \
          an index build, a job without a WHERE. Full pages after each checkpoint may be most of it. On a standby, where \
          WAL is only replayed, this says nothing.",
};

/// What is usual is what these minutes before show.
const WINDOW: Duration = Duration::from_mins(15);
/// From this share on full-page images are what to do something about.
const MANY_PAGES: f64 = 0.5;

fn check(known: &Known) -> Outcome {
    if known.in_recovery() {
        return Outcome::calm();
    }
    let alerts = &known.settings.alerts;
    let limits = (alerts.wal_surge_warn_bytes_per_sec, alerts.wal_surge_crit_bytes_per_sec);
    let Some(pace) = surge::pace(known, name::WAL_POSITION, WINDOW, limits) else {
        return Outcome::not_yet("WAL per second needs a second reading");
    };
    if pace.is_calm() {
        return Outcome::calm();
    }
    let sentence = format!("{} of WAL is written", format::bytes_per_s(pace.now));
    let finding = Finding::new("", pace.reach, sentence, Jump::to("activity"));
    let writer = surge::most(known, |growth| growth.counters.wal.unwrap_or_default());
    let finding = surge::blamed(pace.told(finding, known), known, writer, pace.now, "writes");
    let running = known.fresh::<ProgressProbe>().into_iter().flatten();
    let finding = running
        .filter_map(command)
        .take(1)
        .fold(finding, |finding, line| finding.detail(line));
    Outcome::of([pages(finding, pace.now, known)])
}

/// A command that rewrites much and is no everyday work.
fn command(progress: &Progress) -> Option<String> {
    let command = progress.command.as_deref()?;
    let on = progress.relation().map_or_else(String::new, |on| format!(" on {on}"));
    Some(format!("{command}{on} is running, pid {}", progress.pid))
}

/// With the full-page images, where they are a good part of it.
fn pages(finding: Finding, now: f64, known: &Known) -> Finding {
    let images = known.series.mean(name::WAL_FULL_PAGES, known.now, surge::NOW);
    let share = images.map_or(0.0, |images| images * surge::block(known) / now).min(1.0);
    if share < surge::NEAR * MANY_PAGES {
        return finding;
    }
    let most = format::percent(share * 100.0);
    let finding = finding.detail(format!(
        "up to {most} of it are full-page images, which follow a checkpoint"
    ));
    let compression = known
        .fresh::<SettingsProbe>()
        .and_then(|settings| settings.get("wal_compression"));
    let off = compression.is_some_and(|row| row.of_the_server() && row.value.as_deref() == Some("off"));
    if share < MANY_PAGES || !off {
        return finding;
    }
    finding.remedy(
        "compress full-page images",
        "ALTER SYSTEM SET wal_compression = on;\nSELECT pg_reload_conf();\n-- costs some CPU",
    )
}

#[cfg(test)]
mod tests;
