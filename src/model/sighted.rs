//! Since when something has been seen of a backend, where the server does not say when it began.
//!
//! Before 14 `pg_locks` has no `waitstart`, and no version says when a commit began to wait for a standby. The age of
//! the statement bounds such a wait from above: a report of an hour may have waited for a millisecond. What is sure is
//! how long one and the same wait has been in every sample. Only what the newest sample has is remembered.

use std::collections::BTreeMap;

use crate::probe::Mono;

/// Something that backends may be in, told apart by `K`, and since when each has been seen in it.
#[derive(Clone, Debug)]
pub struct Sighted<K> {
    seen: BTreeMap<i32, Sight<K>>,
    /// When the newest sample was taken.
    at: Mono,
}

#[derive(Clone, Debug)]
struct Sight<K> {
    /// `backend_start` of the backend.
    start: i64,
    what: K,
    first: Mono,
}

impl<K> Default for Sighted<K> {
    fn default() -> Self {
        Self {
            seen: BTreeMap::new(),
            at: Mono::default(),
        }
    }
}

impl<K: Clone + PartialEq> Sighted<K> {
    /// A sample: pid, `backend_start` and what it is in, one for each backend that is in anything.
    pub fn observe<'a>(&mut self, at: Mono, sample: impl IntoIterator<Item = (i32, i64, &'a K)>)
    where
        K: 'a,
    {
        let before = std::mem::take(&mut self.seen);
        self.at = at;
        for (pid, start, what) in sample {
            let same = before
                .get(&pid)
                .filter(|sight| sight.start == start && sight.what == *what);
            let first = same.map_or(at, |sight| sight.first);
            let what = what.clone();
            self.seen.insert(pid, Sight { start, what, first });
        }
    }

    /// Nobody is in anything.
    pub fn clear(&mut self) {
        self.seen.clear();
    }

    /// For how many seconds that backend has been seen in that: 0 in the first sample that has it, `None` if the newest
    /// has it not.
    #[must_use]
    pub fn seconds(&self, pid: i32, what: &K) -> Option<f64> {
        let sight = self.seen.get(&pid).filter(|sight| sight.what == *what)?;
        Some(self.at.since(sight.first).as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono(Duration::from_secs(seconds))
    }

    #[test]
    fn counts_from_the_first_sight_of_the_same_backend_in_the_same() {
        let mut sighted = Sighted::default();
        sighted.observe(at(10), [(1, 100, &"a"), (2, 200, &"a")]);
        assert_eq!(sighted.seconds(1, &"a"), Some(0.0));
        sighted.observe(at(12), [(1, 100, &"a"), (2, 201, &"a"), (3, 300, &"b")]);
        assert_eq!(sighted.seconds(1, &"a"), Some(2.0));
        assert_eq!(sighted.seconds(1, &"b"), None);
        assert_eq!(sighted.seconds(2, &"a"), Some(0.0), "another backend has its pid");
        sighted.observe(at(14), [(1, 100, &"b")]);
        assert_eq!(sighted.seconds(1, &"b"), Some(0.0), "it is in something else now");
        assert_eq!(sighted.seconds(3, &"b"), None, "what is gone is forgotten");
        sighted.observe(at(16), []);
        sighted.observe(at(18), [(1, 100, &"b")]);
        assert_eq!(sighted.seconds(1, &"b"), Some(0.0), "it was out of it in between");
    }
}
