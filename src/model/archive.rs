//! How archiving goes.

use crate::model::concern::Concern;
use crate::probe::archive_backlog::ArchiveBacklog;
use crate::probe::archiver::Archiver;

/// Files that may wait before it is worth a look: one is being copied, one was just finished.
const FEW: i64 = 4;

/// What the archiver does.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// `archive_mode` is off.
    Off,
    /// `archive_mode` is `on`: a standby archives only after its promotion.
    OnStandby,
    /// There is neither command nor library: everything waits.
    NoCommand,
    /// The last attempt failed, so many seconds ago, and nothing was archived since.
    Failing(f64),
    /// Nothing was archived yet, and nothing failed.
    Idle,
    /// The last attempt succeeded, so many seconds ago.
    Works(f64),
}

impl State {
    /// By the counters and the settings.
    #[must_use]
    pub fn of(archiver: &Archiver) -> Self {
        if archiver.mode == "off" {
            return Self::Off;
        }
        if archiver.in_recovery && archiver.mode != "always" {
            return Self::OnStandby;
        }
        match (archiver.failed_age_s, archiver.archived_age_s) {
            // The younger one came last.
            (Some(failure), success) if success.is_none_or(|success| failure < success) => Self::Failing(failure),
            _ if !archiver.has_command && archiver.library.is_none() => Self::NoCommand,
            (_, Some(success)) => Self::Works(success),
            _ => Self::Idle,
        }
    }
}

/// How many files wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// Counted in the directory.
    Counted(i64),
    /// By the position of the WAL and the name of the last archived file.
    About(i64),
}

impl Waiting {
    /// Counted where that may be done; else finished files after the last archived one.
    #[must_use]
    pub fn of(archiver: &Archiver, backlog: Option<&ArchiveBacklog>) -> Option<Self> {
        if let Some(backlog) = backlog {
            return Some(Self::Counted(backlog.waiting));
        }
        if archiver.segment_bytes <= 0 || archiver.in_recovery {
            return None;
        }
        let last = segment(archiver.last_archived_wal.as_deref()?, archiver.segment_bytes)?;
        // The file that is written now is not finished.
        let finished = archiver.wal_position? / archiver.segment_bytes;
        Some(Self::About(finished.saturating_sub(last).saturating_sub(1).max(0)))
    }

    /// The number.
    #[must_use]
    pub const fn files(self) -> i64 {
        match self {
            Self::Counted(files) | Self::About(files) => files,
        }
    }
}

/// The number of a segment by its file's name (`XLogFromFileName`): eight digits of timeline, eight of the upper half
/// of the position, eight of the segment in it. `None` for a timeline's history or a backup's label.
#[must_use]
pub fn segment(file: &str, segment_bytes: i64) -> Option<i64> {
    if file.len() != 24 || !file.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let part = |from: usize| i64::from_str_radix(file.get(from..from + 8)?, 16).ok();
    part(8)?
        .checked_mul(0x1_0000_0000 / segment_bytes)?
        .checked_add(part(16)?)
}

/// How bad that is.
#[must_use]
pub fn concern(state: &State, waiting: Option<Waiting>) -> Concern {
    match state {
        State::Failing(_) | State::NoCommand => Concern::Critical,
        State::Idle | State::Works(_) if waiting.is_some_and(|waiting| waiting.files() > FEW) => Concern::Notice,
        State::Idle | State::Works(_) | State::Off | State::OnStandby => Concern::Calm,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn archiver(mode: &str, archived: Option<f64>, failed: Option<f64>) -> Archiver {
        Archiver {
            mode: mode.to_owned(),
            has_command: true,
            archived_age_s: archived,
            failed_age_s: failed,
            ..Archiver::default()
        }
    }

    #[rstest]
    #[case::off(archiver("off", None, Some(1.0)), State::Off, Concern::Calm)]
    #[case::idle(archiver("on", None, None), State::Idle, Concern::Calm)]
    #[case::never_worked(archiver("on", None, Some(5.0)), State::Failing(5.0), Concern::Critical)]
    #[case::fails_now(archiver("on", Some(60.0), Some(5.0)), State::Failing(5.0), Concern::Critical)]
    #[case::failed_once(archiver("on", Some(5.0), Some(60.0)), State::Works(5.0), Concern::Calm)]
    #[case::no_command(Archiver { has_command: false, ..archiver("on", Some(5.0), None) }, State::NoCommand, Concern::Critical)]
    #[case::library(Archiver { has_command: false, library: Some("basic_archive".to_owned()), ..archiver("on", Some(5.0), None) }, State::Works(5.0), Concern::Calm)]
    #[case::standby(Archiver { in_recovery: true, ..archiver("on", None, None) }, State::OnStandby, Concern::Calm)]
    #[case::standby_always(Archiver { in_recovery: true, ..archiver("always", Some(1.0), None) }, State::Works(1.0), Concern::Calm)]
    fn states(#[case] archiver: Archiver, #[case] state: State, #[case] bad: Concern) {
        let found = State::of(&archiver);
        assert_eq!(concern(&found, None), bad);
        assert_eq!(found, state);
    }

    #[rstest]
    #[case("000000010000000000000001", 16 << 20, Some(1))]
    #[case("000000010000000200000003", 16 << 20, Some(2 * 256 + 3))]
    #[case("00000001000000020000000A", 1 << 30, Some(2 * 4 + 10))]
    #[case("00000002.history", 16 << 20, None)]
    #[case("000000010000000000000002.00000028.backup", 16 << 20, None)]
    #[case("0000000100000000000000é", 16 << 20, None)]
    fn segments(#[case] file: &str, #[case] bytes: i64, #[case] expected: Option<i64>) {
        assert_eq!(segment(file, bytes), expected);
    }

    #[test]
    fn what_waits_by_the_position() {
        let archiver = Archiver {
            segment_bytes: 16 << 20,
            wal_position: Some((7 << 24) + 5),
            last_archived_wal: Some("000000010000000000000003".to_owned()),
            ..archiver("on", Some(1.0), None)
        };
        assert_eq!(
            Waiting::of(&archiver, None),
            Some(Waiting::About(3)),
            "files 4, 5 and 6"
        );
        let counted = ArchiveBacklog {
            waiting: 12,
            ..ArchiveBacklog::default()
        };
        assert_eq!(Waiting::of(&archiver, Some(&counted)), Some(Waiting::Counted(12)));
    }
}
