//! One line of the Overview: a label, a value, its trend, and details that are dropped from the right where there
//! is no room.

use std::time::Duration;

use crate::known::Freshness;
use crate::model::rates::Gap;
use crate::model::series::{Fold, Point};
use crate::pane::common::grant;
use crate::probe::activity::Backend;
use crate::probe::{Probe, Subject};
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::spark::{self, Join};
use crate::world::World;

/// Buckets of a trend as derived; drawn in this many cells, a half or a third of them, so that buckets are shared evenly.
pub const BUCKETS: usize = 48;

/// A line.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its identity.
    pub id: &'static str,
    /// What it is about.
    pub label: &'static str,
    /// The probe its value comes from: decides whether it is stale.
    pub probe: &'static str,
    /// The value; `None` is a gap or unknown.
    pub value: Option<String>,
    /// What the value means.
    pub role: Role,
    /// How bad it is, as a mark before the label.
    pub mark: Option<Role>,
    /// How it went.
    pub trend: Option<Trend>,
    /// Details, the most important first.
    pub pieces: Vec<Piece>,
    /// Where Enter leads.
    pub jump: Option<Subject>,
}

/// How a value went.
#[derive(Clone, Debug, PartialEq)]
pub struct Trend {
    /// [`BUCKETS`] values, oldest first.
    pub points: Vec<Point>,
    /// What several of them become in one cell.
    pub fold: Fold,
    /// What fills a cell; the highest value of the window if that is more.
    pub full: f64,
}

impl Trend {
    /// Levels for so many cells; what is full, or the highest value if that is more, fills a cell.
    pub fn levels(&self, cells: usize) -> Vec<Option<u8>> {
        let join = match self.fold {
            Fold::Mean => Join::Mean,
            Fold::Peak => Join::Peak,
        };
        let top = self.points.iter().flatten().copied().fold(self.full, f64::max);
        spark::levels(&self.points, cells, join, Some(top))
    }
}

/// A detail.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// Raw text.
    pub text: String,
    /// What it means.
    pub role: Role,
}

impl Line {
    /// A line about the data of a probe, or about why there is none.
    pub fn of<P: Probe>(
        world: &World,
        id: &'static str,
        label: &'static str,
        tell: impl FnOnce(&P::Data, Self) -> Self,
    ) -> Self {
        let line = Self::new(id, label, P::SPEC.id);
        match world.get::<P>() {
            Some(data) => tell(data, line),
            None => line.missing(world),
        }
    }

    fn new(id: &'static str, label: &'static str, probe: &'static str) -> Self {
        Self {
            id,
            label,
            probe,
            value: None,
            role: Role::Muted,
            mark: None,
            trend: None,
            pieces: Vec::new(),
            jump: None,
        }
    }

    /// With a value.
    pub fn value(mut self, text: impl Into<String>) -> Self {
        self.value = Some(text.into());
        self.role = Role::Text;
        self
    }

    /// With the newest point of a series as its value, or the reason why there is none.
    pub fn newest(self, world: &World, series: &'static str, form: impl FnOnce(f64) -> String) -> Self {
        if let Some(value) = world.series.last(series) {
            return self.value(form(value));
        }
        let text = match world.series.gap(self.probe) {
            None => "nothing to measure".to_owned(),
            Some(gap @ (Gap::First | Gap::TooSoon)) => match world.next_in(self.probe) {
                Some(wait) => format!("{gap}, in {:.0} s", wait.as_secs_f64().ceil()),
                None => gap.to_string(),
            },
            Some(gap) => gap.to_string(),
        };
        self.piece(Role::Muted, text)
    }

    /// With a value that is an estimate.
    pub fn estimated(mut self) -> Self {
        self.role = Role::Estimated;
        self
    }

    /// With what it means.
    pub fn role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    /// Marked as bad.
    pub fn mark(mut self, role: Role) -> Self {
        self.mark = Some(role);
        self.role = role;
        self
    }

    /// With one more detail.
    pub fn piece(mut self, role: Role, text: impl Into<String>) -> Self {
        self.pieces.push(Piece {
            text: text.into(),
            role,
        });
        self
    }

    /// With one more plain detail.
    pub fn with(self, text: impl Into<String>) -> Self {
        self.piece(Role::Text, text)
    }

    /// With one more plain detail, if there is one.
    pub fn maybe(self, text: Option<String>) -> Self {
        match text {
            Some(text) => self.with(text),
            None => self,
        }
    }

    /// With how a series went in the window; `full` fills a cell.
    pub fn trend(mut self, world: &World, window: Duration, series: &str, fold: Fold, full: f64) -> Self {
        self.trend = Some(Trend {
            points: world.series.window(series, fold, world.now, window, BUCKETS),
            fold,
            full,
        });
        self
    }

    /// About this backend: who it is, and where Enter leads.
    pub fn backend(self, backend: &Backend) -> Self {
        self.who(
            backend.pid,
            backend.start,
            backend.usename.as_deref(),
            backend.application_name.as_deref(),
        )
    }

    /// As [`Self::backend`], from its parts.
    pub fn who(mut self, pid: i32, start: i64, role: Option<&str>, application: Option<&str>) -> Self {
        if start != 0 {
            self.jump = Some(Subject::Backend { pid, start });
        }
        let names: Vec<&str> = [role, application].into_iter().flatten().collect();
        let who = names.join(" ");
        let line = self.with(format!("pid {pid}"));
        if who.trim().is_empty() { line } else { line.with(who) }
    }

    /// Says how old it is, where that is more than a minute.
    pub fn age(self, world: &World) -> Self {
        match world.freshness(self.probe) {
            Freshness::Fresh(age) | Freshness::Stale(age) if age >= Duration::from_mins(1) => {
                self.piece(Role::Muted, format::ago(age.as_secs_f64()))
            }
            _ => self,
        }
    }

    /// Hidden by privileges: says which grant shows it.
    pub fn denied(mut self, world: &World) -> Self {
        self.value = None;
        self.role = Role::Denied;
        self.piece(Role::Denied, format!("hidden: {}", grant(world)))
    }

    /// Nothing came yet, it was not asked, or it failed.
    fn missing(mut self, world: &World) -> Self {
        match world.freshness(self.probe) {
            Freshness::Skipped(reason) => self.piece(Role::Muted, reason),
            Freshness::Failed => {
                let fault = world.last_ran(self.probe).and_then(|ran| ran.fault.as_ref());
                let text = fault.map_or_else(String::new, ToString::to_string);
                self.role = Role::Denied;
                self.piece(Role::Denied, text)
            }
            _ => self.piece(Role::Muted, "no answer yet"),
        }
    }
}
