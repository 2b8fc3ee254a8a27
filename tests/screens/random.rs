//! Answers that no server gives, of every probe: text that means no good, numbers at their limits, rows that do not fit
//! together.

mod probes;
mod rows;

pub use probes::SAYERS;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Text that means no good, and text that is none.
pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[a-z]{1,12}",
        "\\PC{0,60}",
        ".{0,40}",
        Just("\u{1b}[2J\u{1b}]0;owned\u{7}\r\n\tx\u{9b}31m".to_owned()),
        Just("\u{202e}\u{2066}abc\u{200d}\u{fe0f}".to_owned()),
        Just("データ🐘👩‍👩‍👧שלום e\u{301}\u{301}\u{301}".to_owned()),
        Just("x".repeat(5_000)),
        Just("日".repeat(500)),
        Just("a\n".repeat(300)),
        Just("active".to_owned()),
        Just("idle in transaction".to_owned()),
        Just("Lock".to_owned()),
        Just("client backend".to_owned()),
    ]
}

fn age() -> impl Strategy<Value = f64> {
    prop_oneof![
        0.0..1e5f64,
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(f64::MAX),
        Just(-0.0),
        any::<f64>(),
    ]
}

fn big() -> impl Strategy<Value = i64> {
    prop_oneof![0..100_000i64, Just(i64::MAX), Just(i64::MIN), Just(-1), any::<i64>()]
}

/// Few pids, so that they meet.
fn pid() -> impl Strategy<Value = i32> {
    prop_oneof![20 => 0..12i32, 1 => Just(i32::MAX), 1 => Just(i32::MIN)]
}

/// Everything a row can be made of.
#[derive(Clone, Debug)]
pub struct Raw {
    pids: Vec<i32>,
    texts: Vec<Option<String>>,
    ages: Vec<Option<f64>>,
    numbers: Vec<i64>,
    flags: Vec<bool>,
}

pub fn raw() -> impl Strategy<Value = Raw> {
    (
        vec(pid(), 3),
        vec(option::weighted(0.8, text()), 6),
        vec(option::weighted(0.8, age()), 4),
        vec(big(), 5),
        vec(any::<bool>(), 4),
    )
        .prop_map(|(pids, texts, ages, numbers, flags)| Raw {
            pids,
            texts,
            ages,
            numbers,
            flags,
        })
}

/// A row whose texts are all that one.
pub fn plain(text: &str) -> Raw {
    Raw {
        pids: vec![1],
        texts: vec![Some(text.to_owned())],
        ages: vec![Some(1.0)],
        numbers: vec![1],
        flags: vec![true],
    }
}

/// Hands out what rows are made of, in turn. The rows of an answer are made of one [`Raw`] each, what lies deeper of
/// whatever comes.
pub struct Draws<'a> {
    rows: &'a [Raw],
    row: Cell<usize>,
    turn: Cell<usize>,
    depth: Cell<usize>,
}

impl<'a> Draws<'a> {
    pub fn new(rows: &'a [Raw]) -> Self {
        Self {
            rows,
            row: Cell::new(0),
            turn: Cell::new(0),
            depth: Cell::new(0),
        }
    }

    pub fn next<T: Drawn>(&self) -> T {
        self.turn.set(self.turn.get() + 1);
        T::drawn(self)
    }

    fn pick<'b, T>(&'b self, of: impl Fn(&'b Raw) -> &'b [T]) -> &'b T {
        let all = of(&self.rows[self.row.get() % self.rows.len()]);
        &all[self.turn.get() % all.len()]
    }

    /// All rows at the top, a few below that.
    fn list<T: Drawn>(&self) -> Vec<T> {
        let depth = self.depth.replace(self.depth.get() + 1);
        let count = if depth == 0 {
            self.rows.len()
        } else {
            self.turn.get() % 4
        };
        let row = self.row.get();
        let list = (0..count).map(|nth| {
            self.row.set(row + nth);
            self.next()
        });
        let list = list.collect();
        self.row.set(row);
        self.depth.set(depth);
        list
    }
}

/// What can be drawn.
pub trait Drawn {
    fn drawn(draws: &Draws<'_>) -> Self;
}

impl Drawn for bool {
    fn drawn(draws: &Draws<'_>) -> Self {
        *draws.pick(|raw| &raw.flags)
    }
}

impl Drawn for i64 {
    fn drawn(draws: &Draws<'_>) -> Self {
        *draws.pick(|raw| &raw.numbers)
    }
}

impl Drawn for i32 {
    fn drawn(draws: &Draws<'_>) -> Self {
        *draws.pick(|raw| &raw.pids)
    }
}

/// Few oids, so that they meet.
impl Drawn for u32 {
    fn drawn(draws: &Draws<'_>) -> Self {
        i32::drawn(draws).unsigned_abs()
    }
}

impl Drawn for f64 {
    fn drawn(draws: &Draws<'_>) -> Self {
        draws.pick(|raw| &raw.ages).unwrap_or_default()
    }
}

impl Drawn for String {
    fn drawn(draws: &Draws<'_>) -> Self {
        draws.pick(|raw| &raw.texts).clone().unwrap_or_default()
    }
}

impl Drawn for Arc<str> {
    fn drawn(draws: &Draws<'_>) -> Self {
        String::drawn(draws).into()
    }
}

impl<T: Drawn> Drawn for Option<T> {
    fn drawn(draws: &Draws<'_>) -> Self {
        // Three of four, whatever the flags say of the rest of the row.
        (draws.turn.get() % 4 != 3 || draws.next()).then(|| draws.next())
    }
}

impl<T: Drawn> Drawn for Vec<T> {
    fn drawn(draws: &Draws<'_>) -> Self {
        draws.list()
    }
}

impl<K: Drawn + Ord, V: Drawn> Drawn for BTreeMap<K, V> {
    fn drawn(draws: &Draws<'_>) -> Self {
        draws.list::<(K, V)>().into_iter().collect()
    }
}

impl<T: Drawn, E: Drawn> Drawn for Result<T, E> {
    fn drawn(draws: &Draws<'_>) -> Self {
        if draws.next() {
            Ok(draws.next())
        } else {
            Err(draws.next())
        }
    }
}

impl<A: Drawn, B: Drawn> Drawn for (A, B) {
    fn drawn(draws: &Draws<'_>) -> Self {
        (draws.next(), draws.next())
    }
}

impl<A: Drawn, B: Drawn, C: Drawn> Drawn for (A, B, C) {
    fn drawn(draws: &Draws<'_>) -> Self {
        (draws.next(), draws.next(), draws.next())
    }
}
