//! The texts of statements in sight, asked for once and kept.
//!
//! The server reads its whole text file for any of them, so only those are asked for that are on the screen and not
//! known yet. One text whose bytes are not of the database's encoding fails the question for all of them; the numbers
//! do not depend on it, and what sessions run tells some texts all the same (`model::statements`).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::redact::redact;
use crate::pg::rows::Rows;
use crate::probe::{Ask, Param, Probe, Spec, Tier, Wanted};

/// Characters of a text that are fetched.
const LONGEST: i32 = 100_000;
/// Texts kept.
const KEEP: usize = 2_000;
/// Bytes of texts kept.
const KEEP_BYTES: usize = 16 << 20;
/// Texts asked for at once.
const AT_ONCE: usize = 200;

/// The probe.
pub struct StatementTexts;

/// The text of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The text with `$1` for its constants.
    pub text: Arc<str>,
    /// It is longer than what is kept of it.
    pub cut: bool,
}

/// Texts by query id; `None` for an entry that had none when it was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    known: BTreeMap<i64, Option<Text>>,
    /// Query ids in the order they came, the oldest first.
    order: std::collections::VecDeque<i64>,
    bytes: usize,
}

impl Texts {
    /// The same texts without literals: those of utility statements have theirs, and so have those whose entry was
    /// evicted while they ran.
    #[must_use]
    fn redacted(&self) -> Self {
        let mut all = self.clone();
        for text in all.known.values_mut().flatten() {
            if let Cow::Owned(shown) = redact(&text.text) {
                text.text = shown.into();
            }
        }
        all.bytes = all.known.values().map(|text| size(text.as_ref())).sum();
        all
    }

    /// The text of that query id, if it is known.
    #[must_use]
    pub fn get(&self, query: i64) -> Option<&Text> {
        self.known.get(&query)?.as_ref()
    }

    /// It was asked for: there is a text, or there was none.
    #[must_use]
    pub fn knows(&self, query: i64) -> bool {
        self.known.contains_key(&query)
    }

    /// Takes one more in; the oldest make room.
    pub fn insert(&mut self, query: i64, text: Option<Text>) {
        self.bytes += size(text.as_ref());
        if let Some(old) = self.known.insert(query, text) {
            self.bytes -= size(old.as_ref());
        } else {
            self.order.push_back(query);
        }
        while self.order.len() > KEEP || self.bytes > KEEP_BYTES {
            let Some(oldest) = self.order.pop_front() else { break };
            let old = self.known.remove(&oldest).flatten();
            self.bytes -= size(old.as_ref());
        }
    }
}

fn size(text: Option<&Text>) -> usize {
    text.map_or(0, |text| text.text.len())
}

/// The query ids in sight without a text, in order.
fn missing(ask: &Ask<'_>) -> Vec<i64> {
    let known = ask.latest.get::<StatementTexts>();
    let unknown = |query: &&i64| known.is_none_or(|known| !known.knows(**query));
    let mut missing: Vec<i64> = ask.focus.keys.iter().filter(unknown).copied().collect();
    missing.sort_unstable();
    missing.dedup();
    missing.truncate(AT_ONCE);
    missing
}

impl Probe for StatementTexts {
    type Data = Texts;
    const SPEC: Spec = Spec {
        id: "statement_texts",
        title: "texts of the statements in sight",
        why: "Asked once for what is on the screen and not known yet, apart from the numbers: the server reads its whole \
              text file for it, and one text in a wrong encoding fails it.",
        tier: Tier::Storage,
        variants: &[form!("statement_texts" of "pg_stat_statements")],
    };

    fn params(ask: &Ask<'_>) -> Vec<Param> {
        vec![Param::Bigs(missing(ask)), Param::Int(LONGEST)]
    }

    fn wanted(ask: &Ask<'_>) -> Wanted {
        match super::statements::unusable(ask) {
            Some(reason) => Wanted::No(reason),
            None if !missing(ask).is_empty() => Wanted::Yes,
            None if ask.latest.get::<Self>().is_some() => Wanted::Keep,
            None => Wanted::No("asked only while a statement is in sight whose text is not known"),
        }
    }

    fn redacted(texts: &Texts) -> Option<Texts> {
        Some(texts.redacted())
    }

    fn decode(rows: &Rows) -> Result<Texts, Fault> {
        let mut texts = Texts::default();
        for row in rows.iter() {
            let bytes = row.get::<Option<i64>>("bytes")?.unwrap_or_default();
            let text = row.text("query")?.map(|text| Text {
                // What could not be decoded takes more bytes than it had.
                cut: !text.contains('\u{fffd}') && i64::try_from(text.len()).is_ok_and(|len| len < bytes),
                text: text.into(),
            });
            texts.insert(row.get("queryid")?, text);
        }
        Ok(texts)
    }

    fn fold(known: Option<&Texts>, answer: Texts) -> Texts {
        let mut all = known.cloned().unwrap_or_default();
        for (query, text) in answer.known {
            all.insert(query, text);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(length: usize) -> Text {
        Text {
            text: "x".repeat(length).into(),
            cut: false,
        }
    }

    #[test]
    fn texts_add_up_and_stay_bounded() {
        let mut known = Texts::default();
        known.insert(1, Some(text(5)));
        let mut answer = Texts::default();
        answer.insert(2, None);
        let all = StatementTexts::fold(Some(&known), answer);
        assert!(all.get(1).is_some() && all.knows(2) && all.get(2).is_none() && !all.knows(3));

        let mut many = Texts::default();
        for query in 0..i64::try_from(KEEP).unwrap() + 10 {
            many.insert(query, Some(text(10)));
        }
        assert_eq!((many.known.len(), many.bytes), (KEEP, KEEP * 10));
        assert!(!many.knows(9) && many.knows(10), "the oldest made room");

        let mut large = Texts::default();
        for query in 0..40 {
            large.insert(query, Some(text(1 << 20)));
        }
        assert!(large.bytes <= KEEP_BYTES && large.knows(39));
        large.insert(39, Some(text(1)));
        assert_eq!(large.bytes, (large.known.len() - 1) * (1 << 20) + 1);
    }
}
