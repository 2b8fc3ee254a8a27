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

    /// What the footer shows now, for a moment: what the program said last, before all an answer to a key, which is
    /// looked for here and nowhere else; if there is none, of the messages about alerts the worst one, which the header
    /// counts all the while. With `alerts` false those are left out: they are on the screen already.
    #[must_use]
    pub fn current(&self, now: Mono, alerts: bool) -> Option<&Message> {
        let shown = |message: &&Message| now.since(message.last) < SHOWN;
        let (said, about_alerts): (Vec<&Message>, Vec<&Message>) = self
            .0
            .iter()
            .filter(shown)
            .partition(|message| message.kind == Kind::Said);
        let said = said.into_iter().max_by_key(|message| message.last);
        let worst = || {
            about_alerts
                .into_iter()
                .max_by_key(|message| (message.severity, message.last))
        };
        said.or_else(|| alerts.then(worst).flatten())
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

    #[test]
    fn an_alert_does_not_take_the_place_of_an_answer_to_a_key() {
        let mut messages = Messages::default();
        let at = |millis| Mono(Duration::from_millis(millis));
        messages.say(None, "an answer to a key", at(1000), None);
        let critical = Severity::Critical;
        messages.tell(
            Kind::Alert(critical),
            Some(critical),
            "alert".to_owned(),
            (at(1010), None),
        );
        let current = |millis| messages.current(at(millis), true).map(|message| message.text.as_str());
        assert_eq!(current(1010), Some("an answer to a key"));
        assert_eq!(current(6999), Some("an answer to a key"));
        assert_eq!(current(7000), Some("alert"), "what is left of its time");
    }
}
