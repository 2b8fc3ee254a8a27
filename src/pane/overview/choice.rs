//! What is selected, what it does, and how the selection moves.

use super::Overview;
use super::layout::{Block, Row};
use super::line::Line;
use super::verdicts::{AlertId, Verdict};
use crate::pane::Reply;

/// What can be selected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Id {
    /// What was checked.
    Checks,
    /// The story with this alert in it.
    Story(AlertId),
    /// The stories that have no room.
    More,
    /// A number.
    Line(&'static str),
}

impl Overview {
    /// What is selected: what the user chose while it is there, else the worst that counts.
    pub(super) fn here(&self) -> Option<Id> {
        if let Some(chosen) = &self.chosen
            && self.is_there(chosen)
        {
            return Some(chosen.clone());
        }
        let worst = self.verdicts.stories.first().filter(|story| story.loud);
        worst.and_then(Verdict::id)
    }

    fn is_there(&self, id: &Id) -> bool {
        match id {
            Id::Story(alert) => self.verdicts.find(alert).is_some(),
            Id::Line(line) => self.lines.iter().any(|other| other.id == *line),
            Id::Checks | Id::More => true,
        }
    }

    /// The place of the selected story among all of them, and itself.
    pub(super) fn told(&self) -> Option<(usize, &Verdict)> {
        match self.here()? {
            Id::Story(alert) => self.verdicts.find(&alert),
            _ => None,
        }
    }

    pub(super) fn story(&self) -> Option<&Verdict> {
        self.told().map(|(_, story)| story)
    }

    pub(super) fn line(&self) -> Option<&Line> {
        let here = self.here()?;
        self.lines.iter().find(|line| Id::Line(line.id) == here)
    }

    /// What decides how many rows the stories take.
    pub(super) fn block(&self) -> Block {
        let unfolded = self.unfolded.as_ref().and_then(|alert| self.verdicts.find(alert));
        Block {
            folded: self.verdicts.stories.iter().map(|story| story.folded.len()).collect(),
            loud: self.verdicts.stories.first().is_some_and(|story| story.loud),
            unfolded: unfolded.map(|(place, _)| place),
            selected: self.told().map(|(place, _)| place),
            all: self.all,
            grant: self.verdicts.checks.grant.is_some(),
        }
    }

    pub(super) fn enter(&mut self) -> Reply {
        match self.here() {
            Some(Id::Story(_)) => {
                // What is looked at on the way back is what was left.
                self.chosen = self.here();
                let jump = self.story().map(|story| story.jump.clone());
                jump.map_or(Reply::Ignored, Reply::Go)
            }
            Some(Id::Checks) => Reply::Checks,
            Some(Id::More) => self.fold(),
            Some(Id::Line(_)) => {
                let subject = self.line().and_then(|line| line.jump.clone());
                subject.map_or(Reply::Ignored, Reply::Open)
            }
            None => Reply::Ignored,
        }
    }

    /// Unfolds a story or folds it again; shows all stories.
    pub(super) fn fold(&mut self) -> Reply {
        match self.here() {
            Some(Id::More) => {
                self.all = true;
                self.chosen = None;
            }
            Some(Id::Story(alert)) => {
                let open = self.unfolded.as_ref().and_then(|open| self.verdicts.find(open));
                let same = open.map(|(place, _)| place) == self.told().map(|(place, _)| place);
                self.unfolded = (!same).then(|| alert.clone());
                self.chosen = Some(Id::Story(alert));
            }
            _ => return Reply::Ignored,
        }
        Reply::Taken
    }

    /// What can be selected, in the order it is shown, with its row.
    pub(super) fn shown(&self) -> Vec<(usize, Id)> {
        let id = |row: &Row| match row {
            Row::Checks => Some(Id::Checks),
            Row::Story(nth) => self.verdicts.stories.get(*nth).and_then(Verdict::id),
            Row::More(_) => Some(Id::More),
            Row::Line(nth) => self.lines.get(*nth).map(|line| Id::Line(line.id)),
            _ => None,
        };
        let rows = self.rows.iter().enumerate();
        rows.filter_map(|(at, row)| Some((at, id(row)?))).collect()
    }

    /// The place of the selected one among those that are shown.
    pub(super) fn place(&self, shown: &[(usize, Id)]) -> Option<usize> {
        let here = self.here()?;
        let is_here = |id: &Id| match (id, self.told()) {
            (Id::Story(alert), Some((_, story))) => story.alerts.contains(alert),
            _ => *id == here,
        };
        shown.iter().position(|(_, id)| is_here(id))
    }

    /// Moves the selection by lines, stopping at either end; the first move selects.
    pub(super) fn step(&mut self, by: isize) -> Reply {
        let shown = self.shown();
        let Some(last) = shown.len().checked_sub(1) else {
            return Reply::Ignored;
        };
        let next = match self.place(&shown) {
            Some(now) => now.saturating_add_signed(by).min(last),
            None if by > 1 => last.min(by.unsigned_abs()),
            // Nothing is wrong: what was checked is there, but not what is looked for first.
            None => 1.min(last),
        };
        self.chosen = shown.get(next).map(|(_, id)| id.clone());
        self.keep_in_view();
        Reply::Taken
    }

    pub(super) fn keep_in_view(&mut self) {
        let shown = self.shown();
        let chosen = self.place(&shown).filter(|_| self.chosen.is_some());
        let row = chosen.and_then(|place| shown.get(place)).map(|(at, _)| *at);
        // With what is folded under it, as far as there is room.
        let under = |at: usize| {
            let below = self.rows.iter().skip(at + 1);
            below.take_while(|row| matches!(row, Row::Folded(..))).count()
        };
        let (first, last) = row.map_or((self.offset, self.offset), |at| (at, at + under(at)));
        // Above the first thing that can be selected there is nothing to be scrolled to.
        let top = chosen.is_some_and(|place| place <= 1) && last < self.height;
        let first = if top { 0 } else { first };
        self.offset = self
            .offset
            .max((last + 1).saturating_sub(self.height))
            .min(first)
            .min(self.rows.len().saturating_sub(self.height));
    }
}

impl Verdict {
    /// How it is selected: by its worst alert.
    fn id(&self) -> Option<Id> {
        self.alerts.first().cloned().map(Id::Story)
    }
}
