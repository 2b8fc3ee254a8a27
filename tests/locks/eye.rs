//! What the program sees: the probes asked through its own session, and the forest they give.

use std::sync::Arc;

use pgmon_lab::{Client, Cluster, Result};
use pgmon_tui::config::Settings;
use pgmon_tui::model::locks::{Forest, Node, Who, forest};
use pgmon_tui::pg::session::{Lane, Session};
use pgmon_tui::probe::locks::{Locks, Sample};
use pgmon_tui::probe::prepared::{Prepared, PreparedXacts};
use pgmon_tui::probe::{self, Ask, Entry, Focus, Latest, Probe, Ran, Wanted};

/// Our own session.
pub struct Eye {
    session: Session,
    pub settings: Settings,
    pub latest: Latest,
    pub focus: Focus,
}

impl Eye {
    pub async fn open(cluster: &Cluster, user: &str, database: &str) -> Self {
        let settings = crate::patient::patient();
        let plan = crate::common::plan(&cluster.conninfo(user, database));
        let session = Session::open(&plan, Lane::Fast, &settings, None).await;
        Self {
            session: session.unwrap_or_else(|fault| panic!("{fault:?}")),
            settings,
            latest: Latest::default(),
            focus: Focus::default(),
        }
    }

    fn looking(&self) -> Ask<'_> {
        Ask {
            server: self.session.server(),
            settings: &self.settings,
            latest: &self.latest,
            focus: &self.focus,
            own: &[],
        }
    }

    pub fn wanted<P: Probe>(&self) -> Wanted {
        P::wanted(&self.looking())
    }

    /// Asks as the worker does, keeps the answer, and forgets it where the probe does not want to ask.
    pub async fn ask<P: Probe>(&mut self) {
        let ask = self.looking();
        if P::wanted(&ask) != Wanted::Yes {
            return self.latest.forget(P::SPEC.id);
        }
        let params = P::params(&ask);
        let answer = self.session.ask(&Entry::of::<P>(), &params, pgmon_lab::PATIENCE).await;
        let rows = answer.result.unwrap_or_else(|fault| panic!("{fault:?}"));
        let data = P::decode(&rows).unwrap_or_else(|fault| panic!("{fault:?}"));
        let ran = Ran {
            params,
            took: answer.took,
            rows: rows.len(),
            ..Ran::of(&P::SPEC, self.session.server())
        };
        let data: probe::Data = Arc::new(data);
        self.latest.keep(&Arc::new(probe::Sample { ran, data: Some(data) }));
    }

    /// One round of the pane's probes.
    pub async fn look(&mut self) -> (Sample, Vec<Prepared>, Forest) {
        self.ask::<Locks>().await;
        self.ask::<PreparedXacts>().await;
        let sample = self.latest.get::<Locks>().cloned().unwrap_or_default();
        let prepared = self.latest.get::<PreparedXacts>().cloned().unwrap_or_default();
        let forest = forest(&sample, &prepared);
        (sample, prepared, forest)
    }

    pub async fn forest(&mut self) -> Forest {
        self.look().await.2
    }
}

/// The trees of one database, two spaces a level: `alter: AccessExclusive public.orders, frees 2`.
pub fn shape(forest: &Forest, database: &str) -> String {
    let mut out = String::new();
    for &root in &forest.roots {
        let node = &forest.nodes[root];
        let here = node.prepared.as_ref().map(|prepared| prepared.database.as_str());
        if here.or(node.session.datname.as_deref()) == Some(database) {
            branch(forest, root, &mut out);
        }
    }
    out
}

fn branch(forest: &Forest, index: usize, out: &mut String) {
    let node = &forest.nodes[index];
    let ring = if node.ring { " (ring)" } else { "" };
    let line = format!(
        "{}{}: {} {}, frees {}{ring}\n",
        "  ".repeat(usize::from(node.depth)),
        name(node),
        node.mode,
        node.object,
        node.frees
    );
    out.push_str(&line);
    for &child in &node.children {
        branch(forest, child, out);
    }
}

fn name(node: &Node) -> String {
    let workers = if node.workers.is_empty() {
        String::new()
    } else {
        format!(" +{}", node.workers.len())
    };
    match (&node.who, &node.prepared) {
        (Who::Prepared(_), Some(prepared)) => format!("2PC {}", prepared.gid),
        (Who::Prepared(_), None) => "2PC?".to_owned(),
        (Who::Backend { .. }, _) => match node.session.application_name.as_deref() {
            None | Some("") => node.session.backend_type.clone().unwrap_or_else(|| "?".to_owned()),
            Some(application) => format!("{application}{workers}"),
        },
    }
}

/// A role that may log in and sees all (`pg_monitor`) or nothing of others.
pub async fn role(admin: &Client, name: &str, monitor: bool) -> Result<()> {
    let member = if monitor { "IN ROLE pg_monitor" } else { "" };
    admin.simple(&format!("CREATE ROLE {name} LOGIN {member}")).await
}
