//! The doctor: what works with this server, role and database, what does not and what that costs, and the statement that
//! mends it. It says nothing of how the server is: that is what the verdicts are for.

mod extensions;
mod panes;
mod role;
mod server;

use serde::Serialize;

use crate::pg::plan::Plan;
use crate::sink::page::Page;
use crate::sink::watch::{End, LIMIT, Seen};
use crate::ui::format;
use crate::ui::look::Role;

/// The version of the JSON that [`Report`] becomes: it changes when a field goes or means something else.
const VERSION: u32 = 1;

/// What is examined.
pub struct Examined<'a> {
    /// What was seen of the server.
    pub seen: &'a Seen,
    /// How it was connected to.
    pub plan: &'a Plan,
    /// The panes in the order of their tabs.
    pub panes: &'a [Pane],
    /// A role that may write is used all the same.
    pub allowed: bool,
}

/// A pane and what it asks.
pub struct Pane {
    /// Its id.
    pub id: &'static str,
    /// Its title.
    pub title: String,
    /// Ids of its probes.
    pub probes: Vec<&'static str>,
}

/// What is said. As JSON: `{"version": 1, "status": "ok" | "limited" | "unusable", "summary": "...", "sections": [..]}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The version of this form, 1.
    pub version: u32,
    /// The whole in a word.
    pub status: Status,
    /// The whole in a sentence.
    pub summary: String,
    /// Server, role, extensions, settings, panes.
    pub sections: Vec<Section>,
}

/// The whole in a word; its exit status is 0, 1 or 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Everything is shown.
    Ok,
    /// Something is not shown.
    Limited,
    /// Nothing is.
    Unusable,
}

/// Points that belong together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Section {
    /// What they are about.
    pub title: &'static str,
    /// The points.
    pub points: Vec<Point>,
}

/// One thing that is well or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Point {
    /// How it is.
    pub level: Level,
    /// The id of the pane it is about; left out where it is about none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pane: Option<&'static str>,
    /// A sentence: what it is, and what that costs.
    pub sentence: String,
    /// What to type, in this order, as a superuser unless it says otherwise; left out where there is nothing to type.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remedies: Vec<String>,
}

/// How a point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Worth knowing; nothing is missing that is not a choice.
    Note,
    /// Something is not shown.
    Limited,
    /// Nothing is shown.
    Unusable,
}

impl Level {
    const fn role(self) -> Role {
        match self {
            Self::Ok => Role::Ok,
            Self::Note => Role::Notice,
            Self::Limited => Role::Warning,
            Self::Unusable => Role::Critical,
        }
    }
}

impl Point {
    fn new(level: Level, sentence: impl Into<String>) -> Self {
        Self {
            level,
            pane: None,
            sentence: sentence.into(),
            remedies: Vec::new(),
        }
    }

    fn ok(sentence: impl Into<String>) -> Self {
        Self::new(Level::Ok, sentence)
    }

    fn note(sentence: impl Into<String>) -> Self {
        Self::new(Level::Note, sentence)
    }

    fn limited(sentence: impl Into<String>) -> Self {
        Self::new(Level::Limited, sentence)
    }

    fn with(mut self, remedy: impl Into<String>) -> Self {
        self.remedies.push(remedy.into());
        self
    }
}

/// What is to be said of that.
#[must_use]
pub fn report(examined: &Examined<'_>) -> Report {
    let mut sections = vec![
        Section::new("Server", server::points(examined)),
        Section::new("Role", role::points(examined)),
    ];
    // Of a role that is not used nothing more was asked, and of a connection that broke nobody knows how much.
    if !matches!(examined.seen.end, End::Held | End::Lost(_)) {
        sections.extend([
            Section::new("Extensions", extensions::points(examined)),
            Section::new("Settings", extensions::settings(examined)),
            Section::new("Panes", panes::points(examined)),
        ]);
    }
    sections.retain(|section| !section.points.is_empty());
    let status = status(&sections);
    Report {
        version: VERSION,
        status,
        summary: summary(status, &sections, examined),
        sections,
    }
}

/// What is to be said where there is no server to examine.
#[must_use]
pub fn refused(sentence: &str) -> Report {
    Report {
        version: VERSION,
        status: Status::Unusable,
        summary: sentence.to_owned(),
        sections: Vec::new(),
    }
}

fn status(sections: &[Section]) -> Status {
    let levels = sections.iter().flat_map(|section| &section.points);
    match levels.map(|point| point.level).max() {
        None | Some(Level::Ok | Level::Note) => Status::Ok,
        Some(Level::Limited) => Status::Limited,
        Some(Level::Unusable) => Status::Unusable,
    }
}

fn summary(status: Status, sections: &[Section], examined: &Examined<'_>) -> String {
    let all = examined.panes.len();
    let limited = |pane: &&Pane| {
        let mut points = sections.iter().flat_map(|section| &section.points);
        points.any(|point| point.pane == Some(pane.id) && point.level >= Level::Limited)
    };
    let limited = examined.panes.iter().filter(limited).count();
    match status {
        Status::Unusable if let End::Lost(fault) = &examined.seen.end => fault.to_string(),
        Status::Ok => format!("All {all} panes show everything."),
        Status::Limited if limited == 0 => "Something is limited that no pane shows.".to_owned(),
        Status::Limited => format!("{limited} of {all} panes show less than they could."),
        Status::Unusable => "This role is not used: it may write.".to_owned(),
    }
}

impl Section {
    fn new(title: &'static str, points: Vec<Point>) -> Self {
        Self { title, points }
    }
}

impl Status {
    /// The status that the program ends with.
    #[must_use]
    pub const fn exit(self) -> u8 {
        self as u8
    }

    /// The word that the summary begins with.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Limited => "limited",
            Self::Unusable => "unusable",
        }
    }
}

impl Report {
    /// Writes it down.
    pub fn write(&self, page: &mut Page<'_>) {
        let role = match self.status {
            Status::Ok => Role::Ok,
            Status::Limited => Role::Warning,
            Status::Unusable => Role::Critical,
        };
        page.line(role, &format!("{}: {}", self.status.word(), self.summary));
        for section in &self.sections {
            page.title(section.title);
            for point in &section.points {
                page.point(point.level.role(), &point.sentence);
                for remedy in &point.remedies {
                    page.remedy(remedy);
                }
            }
        }
    }
}

/// What was not answered in time, if anything.
fn late(end: &End) -> Option<Point> {
    let End::Late(tiers) = end else { return None };
    let names: Vec<&str> = tiers.iter().map(|tier| tier.name()).collect();
    let limit = format::duration(LIMIT.as_secs_f64());
    Some(Point::limited(format!(
        "Not everything was answered within {limit}: the {} queries were not through. What is said here is without them.",
        names.join(" and ")
    )))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::Settings;
    use crate::known::Known;
    use crate::pg::conninfo::{Args, plan_of_process};
    use crate::pg::fault::{Fault, FaultKind};
    use crate::pg::plan::Prompt;
    use crate::pg::privilege::Findings;
    use crate::pg::server::Server;
    use crate::poll::Link;
    use crate::probe::Tier;

    /// What is said of a server that answered nothing.
    fn examine(end: End) -> Report {
        let settings = Arc::new(Settings::default());
        let args = Args {
            host: Some("127.0.0.1".to_owned()),
            user: Some("mon".to_owned()),
            prompt: Prompt::Never,
            ..Args::default()
        };
        let plan = plan_of_process(&args, &settings).unwrap();
        let mut known = Known::new(settings);
        known.set_link(Link::Up(Arc::new(Server {
            version: "18.4".to_owned(),
            role: "mon".to_owned(),
            reads_all_stats: true,
            ..Server::default()
        })));
        let role = Some(Ok(Arc::new(Findings::default())));
        let pane = Pane {
            id: "locks",
            title: "Locks".to_owned(),
            probes: vec!["locks"],
        };
        report(&Examined {
            seen: &Seen { known, role, end },
            plan: &plan,
            panes: &[pane],
            allowed: false,
        })
    }

    fn said(report: &Report) -> Vec<&str> {
        let points = report.sections.iter().flat_map(|section| &section.points);
        points.map(|point| point.sentence.as_str()).collect()
    }

    #[test]
    fn a_connection_that_broke_tells_nothing() {
        let report = examine(End::Lost(Fault::new(FaultKind::Lost, "It broke.")));
        assert_eq!((report.status.exit(), report.summary.as_str()), (2, "It broke."));
        assert!(report.sections.iter().all(|section| section.title != "Panes"));
    }

    #[test]
    fn what_was_late_is_said_and_where_it_is_missing() {
        let report = examine(End::Late(vec![Tier::Storage, Tier::Hourly]));
        assert_eq!(report.status, Status::Limited);
        assert_eq!(report.summary, "1 of 1 panes show less than they could.");
        let said = said(&report);
        assert!(
            said.iter()
                .any(|said| said.contains("within 50s: the storage and hourly queries")),
            "{said:?}"
        );
        assert!(
            said.contains(&"Locks: who waits for whom was not answered."),
            "{said:?}"
        );
    }
}
