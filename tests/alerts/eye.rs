//! The program without its terminal: a session, what it knows, and what it finds wrong.

use std::sync::Arc;
use std::time::Instant;

use pgmon_lab::{Cluster, PATIENCE};
use pgmon_tui::alert::{self, Alert, Rule};
use pgmon_tui::config::{Alerts, Settings};
use pgmon_tui::model::concern::Severity;
use pgmon_tui::pg::session::{Lane, Session};
use pgmon_tui::poll::Link;
use pgmon_tui::probe::{self, Probe, Ran, Sample};
use pgmon_tui::world::World;

/// Who looks on.
pub struct Eye {
    session: Session,
    pub world: World,
    birth: Instant,
}

impl Eye {
    /// With limits other than the defaults, since a test has no hours.
    pub async fn open(cluster: &Cluster, role: &str, database: &str, limits: impl FnOnce(&mut Alerts)) -> Self {
        let mut settings: Settings = crate::patient::patient();
        limits(&mut settings.alerts);
        let settings = Arc::new(settings);
        let plan = crate::common::plan(&cluster.conninfo(role, database));
        let session = Session::open(&plan, Lane::Fast, &settings, None).await.unwrap();
        let server = Arc::clone(session.server());
        let mut world = World::new(settings, "lab".to_owned());
        world.link = Link::Up(Arc::clone(&server));
        world.server = Some(server);
        Self {
            session,
            world,
            birth: Instant::now(),
        }
    }

    /// Asks a probe as the worker does, if it wants to be asked.
    pub async fn ask(&mut self, id: &str) {
        crate::asking::ask(id, &mut self.session, &mut self.world, self.birth).await;
    }

    /// An answer as the test makes it up, as if it had come now.
    pub fn give<P: Probe>(&mut self, data: P::Data) {
        let last = self.world.latest.ran::<P>().unwrap();
        let ran = Ran {
            started: self.world.now,
            ..last.clone()
        };
        let data: probe::Data = Arc::new(data);
        self.world.take(&Arc::new(Sample { ran, data: Some(data) }));
    }

    /// Asks the heartbeat, and everything that rule looks at.
    pub async fn look(&mut self, rule: &str) {
        self.ask("pulse").await;
        for probe in self::rule(rule).probes() {
            self.ask(probe).await;
        }
    }

    /// Looks until that is true of the alerts of a rule that count, the worst first.
    pub async fn until(&mut self, rule: &str, what: &str, mut found: impl FnMut(&[Alert]) -> bool) -> Vec<Alert> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.look(rule).await;
            let raised = self.raised(rule);
            if found(&raised) {
                return raised;
            }
            assert!(
                Instant::now() < deadline,
                "{rule}: {what} does not come; found: {:#?}; not checked: {:#?}",
                self.world.alerts.alerts().collect::<Vec<_>>(),
                self.world.alerts.unchecked(&self.world).collect::<Vec<_>>()
            );
        }
    }

    /// Looks until the rule has raised something so bad.
    pub async fn until_raised(&mut self, rule: &str, severity: Severity) -> Vec<Alert> {
        let what = format!("{severity:?}");
        self.until(rule, &what, |alerts| {
            alerts.iter().any(|alert| alert.severity() == Some(severity))
        })
        .await
    }

    /// Looks until the rule has nothing to say any more.
    pub async fn until_calm(&mut self, rule: &str) {
        self.until(rule, "calm", <[Alert]>::is_empty).await;
    }

    /// The alerts of a rule that count, the worst first.
    pub fn raised(&self, rule: &str) -> Vec<Alert> {
        let alerts = self.world.alerts.raised().filter(|alert| alert.rule.id == rule);
        let mut alerts: Vec<Alert> = alerts.cloned().collect();
        alerts.sort_by_key(|alert| std::cmp::Reverse(alert.severity()));
        alerts
    }
}

fn rule(id: &str) -> &'static Rule {
    alert::rule(id).unwrap_or_else(|| panic!("there is no rule {id}"))
}
