//! The program without its terminal: a session, what it knows, and the pane as it would be drawn.

use std::sync::Arc;
use std::time::Instant;

use pgmon_lab::Cluster;
use pgmon_tui::action::Action;
use pgmon_tui::pane::{self, Badge, Reply, View};
use pgmon_tui::pg::session::{Lane, Session};
use pgmon_tui::poll::Link;
use pgmon_tui::probe::Probe;
use pgmon_tui::ui::look::Look;
use pgmon_tui::world::World;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// What the pane shows, and what it needs to show it.
const PROBES: [&str; 10] = [
    "pulse",
    "activity",
    "replication",
    "recovery",
    "wal_settings",
    "slots",
    "archiver",
    "archive_backlog",
    "conflicts",
    "subscriptions",
];

/// Who looks on.
pub struct Eye {
    session: Session,
    pub world: World,
    view: Box<dyn View>,
    birth: Instant,
}

impl Eye {
    pub async fn open(cluster: &Cluster, role: &str, database: &str) -> Self {
        let settings = Arc::new(crate::patient::patient());
        let plan = crate::common::plan(&cluster.conninfo(role, database));
        let session = Session::open(&plan, Lane::Fast, &settings, None).await.unwrap();
        let server = Arc::clone(session.server());
        let mut world = World::new(settings, "lab".to_owned());
        world.link = Link::Up(Arc::clone(&server));
        world.server = Some(server);
        let view = pane::panes().into_iter().find(|view| view.id() == "replication");
        Self {
            session,
            world,
            view: view.unwrap(),
            birth: Instant::now(),
        }
    }

    /// Asks a probe as the worker does, if it wants to be asked.
    pub async fn ask_id(&mut self, id: &str) {
        crate::asking::ask(id, &mut self.session, &mut self.world, self.birth).await;
    }

    /// The data of a probe, asked now.
    pub async fn ask<P: Probe>(&mut self) -> &P::Data {
        self.ask_id(P::SPEC.id).await;
        self.world.get::<P>().unwrap()
    }

    /// Asks everything the pane shows.
    pub async fn look(&mut self) {
        for id in PROBES {
            self.ask_id(id).await;
        }
    }

    /// The pane with all its panels, after asking everything.
    pub async fn screen(&mut self) -> String {
        self.look().await;
        self.draw()
    }

    /// The pane by what is known already.
    pub fn draw(&mut self) -> String {
        let area = Rect::new(0, 0, 200, 60);
        let mut buf = Buffer::empty(area);
        self.view.derive(&self.world);
        self.view.arrange(area);
        self.view.draw(&self.world, &Look::default(), area, &mut buf);
        let line = |y| (0..area.width).map(|x| buf[(x, y)].symbol()).collect::<String>();
        (0..area.height)
            .map(|y| line(y).trim_end().to_owned())
            .collect::<Vec<_>>()
            .join("\n")
    }

    pub fn badge(&self) -> Option<Badge> {
        self.view.badge()
    }

    pub fn on(&mut self, action: Action) -> Reply {
        self.view.on(action, &self.world)
    }

    /// The texts that `y` offers for the selected row.
    pub fn copies(&self) -> Vec<String> {
        self.view
            .copies(&self.world)
            .into_iter()
            .map(|copy| copy.text)
            .collect()
    }
}
