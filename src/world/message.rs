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

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// How bad; `None` for an answer to a key.
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
        let text = text.into();
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

    /// What the footer shows now: the message said last, for a moment.
    #[must_use]
    pub fn current(&self, now: Mono) -> Option<&Message> {
        self.0
            .iter()
            .max_by_key(|message| message.last)
            .filter(|message| now.since(message.last) < SHOWN)
    }
}
