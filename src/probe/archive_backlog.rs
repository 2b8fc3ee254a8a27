//! How many WAL files wait for the archiver: one note `*.ready` each in `pg_wal/archive_status`.

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::Rows;
use crate::probe::archiver::ArchiverProbe;
use crate::probe::{Ask, Probe, Spec, Tier, Wanted};

/// From so many seconds on an answer is dear: with 100,000 files it took a second.
const DEAR_S: f64 = 0.1;
/// What a dear question may take of the time, one part in so many.
const SHARE: f64 = 100.0;

/// The probe.
pub struct ArchiveBacklogProbe;

/// What waits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ArchiveBacklog {
    /// Seconds since 1970 by the server's clock.
    pub epoch: f64,
    /// Files that wait.
    pub waiting: i64,
    /// Files that are archived and not yet removed.
    pub done: i64,
    /// Since when the oldest one waits, in seconds; `None` when none does.
    pub oldest_s: Option<f64>,
}

/// The last answer was dear, and not so long ago by the server's clock, which says `now`.
fn rests(ask: &Ask<'_>, now: f64) -> bool {
    let took = ask
        .latest
        .ran::<ArchiveBacklogProbe>()
        .map(|ran| ran.took.as_secs_f64());
    let counted = ask.latest.get::<ArchiveBacklogProbe>().map(|backlog| backlog.epoch);
    took.zip(counted)
        .is_some_and(|(took, counted)| took >= DEAR_S && (now - counted).abs() < took * SHARE)
}

impl Probe for ArchiveBacklogProbe {
    type Data = ArchiveBacklog;
    const SPEC: Spec = Spec {
        id: "archive_backlog",
        title: "how many WAL files wait for the archiver",
        why: "The server notes every finished file in a directory; pg_monitor may list it. The server looks at each \
              entry once, so with very many of them it is asked the less often the longer it took.",
        tier: Tier::Workload,
        variants: &[form!("archive_backlog")],
    };

    fn wanted(ask: &Ask<'_>) -> Wanted {
        match ask.latest.get::<ArchiverProbe>() {
            None => Wanted::No("whether WAL is archived at all is not known yet"),
            Some(archiver) if archiver.mode == "off" => Wanted::No("archive_mode is off: nothing waits"),
            Some(archiver) if !archiver.may_list => {
                Wanted::No("this role may not list pg_wal/archive_status; pg_monitor may")
            }
            Some(archiver) if rests(ask, archiver.epoch) => Wanted::Keep,
            Some(_) => Wanted::Yes,
        }
    }

    fn decode(rows: &Rows) -> Result<ArchiveBacklog, Fault> {
        let row = rows.only()?;
        Ok(ArchiveBacklog {
            epoch: row.get("epoch")?,
            waiting: row.get("waiting")?,
            done: row.get("done")?,
            oldest_s: row.get("oldest_s")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use rstest::rstest;

    use super::*;
    use crate::config::Settings;
    use crate::pg::server::Server;
    use crate::probe::archiver::Archiver;
    use crate::probe::{Data, Focus, Latest, Ran, Sample};

    fn sample<P: Probe>(data: P::Data, took: u64) -> Arc<Sample> {
        let data: Data = Arc::new(data);
        let ran = Ran {
            took: Duration::from_millis(took),
            ..Ran::of(&P::SPEC, &Server::default())
        };
        Arc::new(Sample { ran, data: Some(data) })
    }

    #[rstest]
    #[case::cheap(1, 2.0, Wanted::Yes)]
    #[case::dear_and_fresh(1000, 90.0, Wanted::Keep)]
    #[case::dear_and_old(1000, 101.0, Wanted::Yes)]
    #[case::the_clock_went_back(1000, -200.0, Wanted::Yes)]
    fn what_is_dear_is_asked_less_often(#[case] took: u64, #[case] since: f64, #[case] expected: Wanted) {
        let archiver = Archiver {
            epoch: 1e9 + since,
            mode: "on".to_owned(),
            may_list: true,
            ..Archiver::default()
        };
        let backlog = ArchiveBacklog {
            epoch: 1e9,
            ..ArchiveBacklog::default()
        };
        let mut latest = Latest::default();
        latest.keep(&sample::<ArchiverProbe>(archiver, 1));
        latest.keep(&sample::<ArchiveBacklogProbe>(backlog, took));
        let ask = Ask {
            server: &Server::default(),
            settings: &Settings::default(),
            latest: &latest,
            focus: &Focus::default(),
            own: &[],
        };
        assert_eq!(ArchiveBacklogProbe::wanted(&ask), expected);
    }
}
