//! What the program told the user in this session: shown for a moment in the footer, kept for the messages popup,
//! written to the log file. A full-screen program has no other place to say that something failed.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::concern::Severity;
use crate::probe::Mono;

/// Messages kept.
const KEEP: usize = 500;
/// How long one stays in the footer.
const SHOWN: Duration = Duration::from_secs(6);

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The program, the connection, an answer to a key.
    Said,
    /// An alert, which is so bad now.
    Alert(Severity),
    /// An alert that is over.
    Over,
}

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// What it is about.
    pub kind: Kind,
    /// How bad; `None` for an answer to a key, and for good news.
    pub severity: Option<Severity>,
    /// The sentence; raw, made safe when drawn.
    pub text: String,
    /// When it was said first.
    pub first: Mono,
    /// When it was said last.
    pub last: Mono,
    /// Server time when it was said last, seconds since 1970.
    pub clock: Option<f64>,
    /// How often in a row.
    pub times: u32,
}

/// The messages of the session, newest last.
#[derive(Clone, Debug, Default)]
pub struct Messages(VecDeque<Message>);

impl Messages {
    /// Says something; the same again only counts up.
    pub fn say(&mut self, severity: Option<Severity>, text: impl Into<String>, now: Mono, clock: Option<f64>) {
        self.tell(Kind::Said, severity, text.into(), (now, clock));
    }

    /// [`Self::say`], with what it is about.
    pub fn tell(&mut self, kind: Kind, severity: Option<Severity>, text: String, (now, clock): (Mono, Option<f64>)) {
        match severity {
            None | Some(Severity::Notice) => tracing::info!("{text}"),
            Some(Severity::Warning) => tracing::warn!("{text}"),
            Some(Severity::Critical) => tracing::error!("{text}"),
        }
        if let Some(same) = self.0.iter_mut().rev().take(20).find(|message| message.text == text) {
            same.times += 1;
            same.last = now;
            same.clock = clock;
            return;
        }
        if self.0.len() == KEEP {
            self.0.pop_front();
        }
        self.0.push_back(Message {
            kind,
            severity,
            text,
            first: now,
            last: now,
            clock,
            times: 1,
        });
    }

    /// All of them, newest first.
    #[must_use]
    pub fn newest_first(&self) -> impl ExactSizeIterator<Item = &Message> {
        self.0.iter().rev()
    }

    /// What the footer shows now: the message said last, for a moment; of those about alerts the worst one. With
    /// `alerts` false those are left out: they are on the screen already.
    #[must_use]
    pub fn current(&self, now: Mono, alerts: bool) -> Option<&Message> {
        let shown = |message: &&Message| now.since(message.last) < SHOWN;
        let wanted = |message: &&Message| alerts || message.kind == Kind::Said;
        let shown: Vec<&Message> = self.0.iter().filter(shown).filter(wanted).collect();
        let newest = shown.iter().copied().max_by_key(|message| message.last)?;
        if newest.kind == Kind::Said {
            return Some(newest);
        }
        let about_alerts = shown.into_iter().filter(|message| message.kind != Kind::Said);
        about_alerts.max_by_key(|message| (message.severity, message.last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_alerts_at_once_are_one_line_in_the_footer() {
        let mut messages = Messages::default();
        let at = |seconds| Mono(Duration::from_secs(seconds));
        let mut tell =
            |kind, severity, text: &str, second| messages.tell(kind, severity, text.to_owned(), (at(second), None));
        tell(Kind::Alert(Severity::Warning), Some(Severity::Warning), "first", 1);
        tell(Kind::Alert(Severity::Critical), Some(Severity::Critical), "worst", 1);
        tell(Kind::Alert(Severity::Warning), Some(Severity::Warning), "third", 2);
        tell(Kind::Over, None, "over", 3);
        let current = |messages: &Messages, second, alerts| {
            let current = messages.current(at(second), alerts);
            current.map(|message| message.text.clone())
        };
        assert_eq!(current(&messages, 3, true).as_deref(), Some("worst"));
        assert_eq!(current(&messages, 3, false), None);
        assert_eq!(
            current(&messages, 8, true).as_deref(),
            Some("over"),
            "what is left of them"
        );
        messages.say(None, "an answer to a key", at(4), None);
        assert_eq!(current(&messages, 4, true).as_deref(), Some("an answer to a key"));
        assert_eq!(messages.newest_first().len(), 5, "nothing is lost");
    }
}
