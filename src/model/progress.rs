//! How fast a running command goes and when its phase ends, as far as that can be known: two readings of the same
//! phase make a rate, a total and a movement make an end. Without either there is none.

use super::rates::float;
use crate::probe::progress::Progress;

/// Readings closer together than this are no basis for a rate.
const SHORTEST_S: f64 = 1.0;
/// A phase that has not moved for so many seconds is said to stand still.
const STILL_S: f64 = 10.0;

/// How a phase moves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Units per second over the readings there are, at most the last minute.
    pub per_second: f64,
    /// Seconds until the end of the phase at this rate; `None` when it does not move or has no total.
    pub left_s: Option<f64>,
    /// For so many seconds nothing has been done at least; `None` while it moves.
    pub still_s: Option<f64>,
}

/// The pace of the present phase; `None` before the second reading and for what is not counted evenly.
#[must_use]
pub fn pace(progress: &Progress) -> Option<Pace> {
    if !matches!(
        progress.unit.as_deref(),
        Some("blocks" | "tuples" | "bytes" | "indexes")
    ) {
        return None;
    }
    let (first, last) = (progress.marks.first()?, progress.marks.last()?);
    let seconds = last.epoch - first.epoch;
    let grown = last.done.checked_sub(first.done).filter(|grown| *grown >= 0)?;
    if !seconds.is_finite() || seconds < SHORTEST_S {
        return None;
    }
    let per_second = float(grown) / seconds;
    let same = progress.marks.iter().rev().take_while(|mark| mark.done == last.done);
    let still_s = same
        .last()
        .map(|since| last.epoch - since.epoch)
        .filter(|s| *s >= STILL_S);
    let total = progress.total.filter(|total| *total > 0 && *total >= last.done);
    let left = total.and_then(|total| total.checked_sub(last.done)).map(float);
    Some(Pace {
        per_second,
        // Indexes are of very different sizes: no end is foretold from their number.
        left_s: left
            .filter(|_| grown > 0 && still_s.is_none() && progress.unit.as_deref() != Some("indexes"))
            .map(|left| left / per_second),
        still_s,
    })
}

/// What runs, for people: autovacuum's work has a name of its own.
#[must_use]
pub fn kind(progress: &Progress) -> String {
    match progress.command.as_deref() {
        None => "hidden".to_owned(),
        Some("VACUUM") if progress.prevents_wraparound() => "autovacuum !".to_owned(),
        Some("VACUUM") if progress.is_autovacuum() => "autovacuum".to_owned(),
        Some("ANALYZE") if progress.is_autovacuum() => "autoanalyze".to_owned(),
        Some("BASE_BACKUP") => "base backup".to_owned(),
        Some(command) => command.to_owned(),
    }
}

/// The phase in words. COPY has no phases; the server says what it reads or writes.
#[must_use]
pub fn phase(progress: &Progress) -> Option<String> {
    let phase = progress.phase.as_deref()?;
    let from = progress
        .command
        .as_deref()
        .is_some_and(|command| command.starts_with("COPY"));
    Some(match phase {
        "FILE" if from => "a file".to_owned(),
        "PROGRAM" if from => "a program".to_owned(),
        "PIPE" if from => "the client".to_owned(),
        "CALLBACK" if from => "the server's own source".to_owned(),
        _ => phase.to_owned(),
    })
}

/// Share of the room for dead tuples that is used, 0 to 1: at 1 VACUUM goes through all indexes and begins anew.
#[must_use]
pub fn dead_memory(progress: &Progress) -> Option<f64> {
    let used = progress.dead_bytes.or(progress.dead)?;
    let room = progress
        .dead_room_bytes
        .or(progress.dead_room)
        .filter(|room| *room > 0)?;
    Some((float(used) / float(room)).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::probe::progress::Mark;

    fn reading(unit: &str, total: Option<i64>, marks: &[(f64, i64)]) -> Progress {
        let marks: Vec<_> = marks
            .iter()
            .map(|(epoch, done)| Mark {
                epoch: *epoch,
                done: *done,
            })
            .collect();
        Progress {
            unit: Some(unit.to_owned()),
            total,
            marks,
            ..Progress::default()
        }
    }

    const MOVING: &[(f64, i64)] = &[(100.0, 10), (102.0, 30), (110.0, 110)];
    const STILL: &[(f64, i64)] = &[(100.0, 10), (102.0, 30), (112.0, 30), (114.0, 30)];

    #[rstest]
    #[case::moving("blocks", Some(210), MOVING, Some((10.0, Some(10.0), None)))]
    #[case::done("blocks", Some(110), MOVING, Some((10.0, Some(0.0), None)))]
    #[case::no_total("bytes", None, MOVING, Some((10.0, None, None)))]
    #[case::total_of_zero_is_unknown("bytes", Some(0), MOVING, Some((10.0, None, None)))]
    #[case::more_than_the_total("blocks", Some(50), MOVING, Some((10.0, None, None)))]
    #[case::indexes_differ("indexes", Some(210), MOVING, Some((10.0, None, None)))]
    #[case::lockers_have_no_pace("lockers", Some(210), MOVING, None)]
    #[case::still("blocks", Some(210), STILL, Some((20.0 / 14.0, None, Some(12.0))))]
    #[case::never_moved("blocks", Some(210), &[(100.0, 0), (103.0, 0)], Some((0.0, None, None)))]
    #[case::one_reading("blocks", Some(210), &[(100.0, 10)], None)]
    #[case::too_soon("blocks", Some(210), &[(100.0, 10), (100.5, 20)], None)]
    #[case::not_a_number("blocks", Some(210), &[(100.0, 10), (f64::NAN, 20)], None)]
    fn paces(
        #[case] unit: &str,
        #[case] total: Option<i64>,
        #[case] marks: &[(f64, i64)],
        #[case] expected: Option<(f64, Option<f64>, Option<f64>)>,
    ) {
        let pace = pace(&reading(unit, total, marks));
        assert_eq!(pace.map(|pace| (pace.per_second, pace.left_s, pace.still_s)), expected);
    }

    #[rstest]
    #[case(None, None, None, "hidden")]
    #[case(Some("VACUUM"), Some("client backend"), Some("vacuum t"), "VACUUM")]
    #[case(
        Some("VACUUM"),
        Some("autovacuum worker"),
        Some("autovacuum: VACUUM public.t"),
        "autovacuum"
    )]
    #[case(
        Some("VACUUM"),
        Some("autovacuum worker"),
        Some("autovacuum: VACUUM public.t (to prevent wraparound)"),
        "autovacuum !"
    )]
    #[case::only_autovacuum_says_so(
        Some("VACUUM"),
        Some("client backend"),
        Some("-- (to prevent wraparound)"),
        "VACUUM"
    )]
    #[case(
        Some("ANALYZE"),
        Some("autovacuum worker"),
        Some("autovacuum: ANALYZE public.t"),
        "autoanalyze"
    )]
    #[case(Some("BASE_BACKUP"), Some("walsender"), None, "base backup")]
    fn kinds(
        #[case] command: Option<&str>,
        #[case] backend: Option<&str>,
        #[case] query: Option<&str>,
        #[case] said: &str,
    ) {
        let progress = Progress {
            command: command.map(Into::into),
            backend_type: backend.map(Into::into),
            query: query.map(Into::into),
            ..Progress::default()
        };
        assert_eq!(kind(&progress), said);
    }

    #[test]
    fn memory_for_dead_tuples_in_tuples_and_in_bytes() {
        let old = Progress {
            dead: Some(50),
            dead_room: Some(200),
            ..Progress::default()
        };
        let new = Progress {
            dead: Some(1_000_000),
            dead_bytes: Some(64),
            dead_room_bytes: Some(128),
            ..Progress::default()
        };
        assert_eq!((dead_memory(&old), dead_memory(&new)), (Some(0.25), Some(0.5)));
        assert_eq!(dead_memory(&Progress::default()), None);
    }
}
