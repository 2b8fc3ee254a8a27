//! The text of the statement: raw or set out, whole or folded; what is copied is always the raw one.

use super::facts;
use crate::action::Action;
use crate::pane::page::{Fact, Rich, beside, room};
use crate::pane::queries::TextOf;
use crate::ui::look::Role;
use crate::ui::set_out::set_out;
use crate::ui::wrap::{self, Line};

/// Lines shown while it is folded.
const FEW_LINES: usize = 12;
const LABEL: &str = "Statement";

/// The text and how it is shown.
#[derive(Debug)]
pub(super) struct Body {
    pub text: TextOf,
    out: Out,
    formatted: bool,
    unfolded: bool,
    foldable: bool,
}

/// The text set out.
#[derive(Debug)]
enum Out {
    /// Nobody asked.
    Untried,
    /// That would change it.
    Different,
    Text(String),
}

impl Body {
    pub const fn new() -> Self {
        Self {
            text: TextOf::Awaited,
            out: Out::Untried,
            formatted: false,
            unfolded: false,
            foldable: false,
        }
    }

    /// Takes a text over.
    pub fn learn(&mut self, text: TextOf) {
        if text != self.text {
            self.text = text;
            self.out = Out::Untried;
            self.set_out();
        }
    }

    fn set_out(&mut self) {
        if let (true, Out::Untried, Some(text)) = (self.formatted, &self.out, self.text.shown()) {
            self.out = set_out(text).map_or(Out::Different, Out::Text);
        }
    }

    /// The actions it takes now.
    pub fn actions(&self) -> impl Iterator<Item = Action> {
        let fold = self.foldable.then_some(Action::Fold);
        let format = self.text.shown().map(|_| Action::Format);
        fold.into_iter().chain(format)
    }

    /// Takes one of them; false for any other.
    pub fn on(&mut self, action: Action) -> bool {
        match action {
            Action::Fold => self.unfolded = !self.unfolded,
            Action::Format => {
                self.formatted = !self.formatted;
                self.set_out();
            }
            _ => return false,
        }
        true
    }

    fn shown(&self) -> Option<&str> {
        let raw = self.text.shown()?;
        match &self.out {
            Out::Text(out) if self.formatted => Some(out),
            _ => Some(raw),
        }
    }

    /// Its lines on a page of that width.
    pub fn lines(&mut self, width: u16) -> Vec<Line> {
        let Some(text) = self.shown() else {
            return Fact::new(LABEL, facts::no_text(&self.text)).lines(width);
        };
        let mut lines = beside(LABEL, wrap::sql(text.trim_end(), room(width)));
        let more = lines.len().saturating_sub(FEW_LINES);
        self.foldable = more > 1;
        if more > 1 && !self.unfolded {
            lines.truncate(FEW_LINES);
            let text = Rich::new(format!("{more} more lines"), Role::Accent);
            lines.extend(Fact::new("", text).lines(width));
        }
        let remark = match (&self.text, &self.out) {
            (TextOf::Seen(_), _) => "as a session ran it: the extension's own text cannot be read",
            (_, Out::Different) if self.formatted => "as it was written: setting it out would change it",
            _ => return lines,
        };
        lines.extend(Fact::new("", Rich::new(remark, Role::Estimated)).lines(width));
        lines
    }
}
