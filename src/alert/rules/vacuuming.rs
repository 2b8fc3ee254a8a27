//! What the rules about vacuum say alike: what a table is called, who keeps its dead rows, why autovacuum does not come.

use crate::alert::{Finding, Thing};
use crate::known::Known;
use crate::model::autovacuum::{self, Present, State};
use crate::model::horizon::{self, Kind};
use crate::model::overview;
use crate::model::remedy::Who;
use crate::model::waits::Profile;
use crate::pg::quote::{identifier, qualified};
use crate::probe::activity::{Activity, Backend};
use crate::probe::autovacuum::{Queue, Table};
use crate::probe::horizon::{Holder, HorizonProbe};
use crate::probe::progress::{Progress, ProgressProbe};
use crate::probe::settings::SettingsProbe;
use crate::ui::format;

/// What goes on around the tables of the connected database.
pub(super) struct Around<'a> {
    pub known: &'a Known,
    pub queue: &'a Queue,
    pub present: Present,
    holders: &'a [Holder],
    progress: &'a [Progress],
}

impl<'a> Around<'a> {
    pub fn of(known: &'a Known, queue: &'a Queue) -> Self {
        let progress = known.fresh::<ProgressProbe>().map_or(&[][..], Vec::as_slice);
        let backends = known.fresh::<Activity>();
        let busy = backends.and_then(|backends| overview::busy_workers(backends, known.sees_all()));
        Self {
            known,
            queue,
            present: Present::of(busy, progress, queue.epoch),
            holders: known.fresh::<HorizonProbe>().map_or(&[][..], Vec::as_slice),
            progress,
        }
    }

    /// The VACUUM that is at the table now.
    pub fn vacuum_of(&self, table: &Table) -> Option<&'a Progress> {
        self.progress.iter().find(|command| {
            let vacuums = matches!(command.command.as_deref(), Some("VACUUM" | "VACUUM FULL"));
            vacuums && command.name.is_some() && command.relid == Some(table.relid)
        })
    }

    /// Who keeps the table's dead rows: a transaction that has lasted since before the last vacuum, or, where nobody
    /// says how long, one so old that it keeps what any vacuum could remove.
    pub fn keeper(&self, table: &Table) -> Option<&'a Holder> {
        let holder = horizon::oldest_here(self.holders, table.nspname == "pg_catalog")?;
        let vacuumed = last(table.vacuum_s, table.autovacuum_s);
        let before = holder.age_s.zip(vacuumed).is_some_and(|(age, ago)| age > ago);
        (before || horizon::old(holder)).then_some(holder)
    }

    /// Why dead rows or changes pile up, if anything is known of it.
    pub fn reason(&self, table: &Table) -> Option<String> {
        let setting = &self.queue.setting;
        match autovacuum::state(table, setting, &self.present) {
            State::Running(pid) => Some(format!("pid {pid} is at it now")),
            State::Off => Some(format!("{} for the whole server", off(self.known).1)),
            State::Disabled => Some("autovacuum_enabled = false keeps autovacuum from this table".to_owned()),
            State::NoWorker => Some(format!("all {} autovacuum workers are busy", setting.workers())),
            State::Starved(_) => Some("a worker is free and passes it over: somebody holds a lock on it".to_owned()),
            State::Near => {
                let at = format::count(autovacuum::vacuum_at(table));
                Some(format!("autovacuum comes only above {at} dead rows of this table"))
            }
            State::ByHand => Some("autovacuum never analyzes a partitioned table".to_owned()),
            State::Again | State::Next => None,
        }
    }

    /// With what makes autovacuum come again, where a setting keeps it away.
    pub fn let_it_come(&self, finding: Finding, table: &Table) -> Finding {
        match autovacuum::state(table, &self.queue.setting, &self.present) {
            State::Off => {
                let (setting, _) = off(self.known);
                let text = format!("ALTER SYSTEM SET {setting} = on;\nSELECT pg_reload_conf();");
                finding.remedy(format!("turn {setting} on"), text)
            }
            State::Disabled if table.owner.is_none() => {
                let table = qualified(&table.nspname, &table.relname);
                let text = format!("ALTER TABLE {table} RESET (autovacuum_enabled);");
                finding.remedy("let autovacuum come to it", text)
            }
            _ => finding,
        }
    }

    /// Autovacuum is off, for all tables or this one: somebody wants it so.
    pub fn is_disabled(&self, table: &Table) -> bool {
        self.queue.setting.active && !table.enabled
    }

    /// A statement about the table, to be run in its database; a TOAST table goes with its owner.
    pub fn statement(&self, command: &str, table: &Table) -> String {
        let (schema, name) = match &table.owner {
            Some((_, schema, name)) => (schema, name),
            None => (&table.nspname, &table.relname),
        };
        let database = self.known.server.as_ref().map_or("", |server| server.database.as_str());
        format!(
            "{command} {}; -- in database {}",
            qualified(schema, name),
            identifier(database)
        )
    }
}

/// The setting that keeps autovacuum from the whole server, and what it is.
fn off(known: &Known) -> (&'static str, &'static str) {
    let counts = known
        .get::<SettingsProbe>()
        .and_then(|settings| settings.get("track_counts"));
    if counts.is_some_and(|setting| setting.value.as_deref() == Some("off")) {
        ("track_counts", "track_counts is off")
    } else {
        ("autovacuum", "autovacuum is off")
    }
}

/// What a table is called.
pub(super) fn called(table: &Table) -> String {
    match &table.owner {
        Some((_, schema, name)) => format!("TOAST of {schema}.{name}"),
        None => format!("{}.{}", table.nspname, table.relname),
    }
}

/// The table an alert is about; of a TOAST table its owner.
pub(super) fn thing(table: &Table) -> Thing {
    Thing::Relation(table.owner.as_ref().map_or(table.relid, |owner| owner.0))
}

/// The younger of two ages.
pub(super) fn last(by_hand: Option<f64>, by_autovacuum: Option<f64>) -> Option<f64> {
    match (by_hand, by_autovacuum) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// "last vacuum 3h ago", "no vacuum that is known of".
pub(super) fn last_words(command: &str, seconds: Option<f64>) -> String {
    seconds.map_or_else(
        || format!("no {command} that is known of"),
        |seconds| format!("last {command} {}", format::ago(seconds)),
    )
}

/// Who holds the horizon, as other rules know it.
pub(super) fn holder_thing(holder: &Holder) -> Thing {
    let name = || holder.name.clone();
    match horizon::kind(holder) {
        Kind::Session => Thing::Backend {
            pid: holder.pid.unwrap_or_default(),
            start: holder.start.unwrap_or_default(),
        },
        Kind::Prepared => Thing::Prepared(name()),
        Kind::Slot | Kind::SlotCatalog => Thing::Slot(name()),
        Kind::Standby => Thing::Standby(holder.pid.unwrap_or_default()),
    }
}

/// With the statements that end whoever holds the horizon, and about it.
pub(super) fn end_holder(mut finding: Finding, holder: &Holder, known: &Known) -> Finding {
    let backends = known.get::<Activity>().map_or(&[][..], Vec::as_slice);
    let same = |backend: &&Backend| (Some(backend.pid), Some(backend.start)) == (holder.pid, holder.start);
    let session = backends.iter().find(same);
    let who = Who {
        pid: holder.pid.unwrap_or_default(),
        user: Some(&holder.name),
        database: holder.database.as_deref(),
        application: holder.application.as_deref(),
        client: session.and_then(|session| session.client.as_deref()),
        state: holder.state.as_deref(),
        since: known.began::<Activity>(session.and_then(|session| session.state_s)),
    };
    let prepared = known.began::<HorizonProbe>(holder.age_s);
    for (what, text) in horizon::remedies(holder, &who, prepared) {
        finding = finding.remedy(what, text);
    }
    finding.about(holder_thing(holder))
}

/// How many sessions hide from the role what they hold; `None` if none does.
pub(super) fn hidden(known: &Known) -> Option<String> {
    if known.sees_all() {
        return None;
    }
    let backends = known.get::<Activity>()?;
    let hidden = Profile::of(backends).hidden;
    (hidden > 0).then(|| {
        let sessions = format::counted(hidden, "session hides its", "sessions hide their");
        format!("{sessions} snapshot from this role")
    })
}

#[cfg(test)]
pub(super) mod testing {
    //! A database whose tables are counted every fifteen seconds.

    use crate::alert::testing::Watched;
    use crate::alert::{Alert, Rule};
    use crate::model::autovacuum;
    use crate::probe::Probe as _;
    use crate::probe::autovacuum::{AutovacuumProbe, Queue, Setting, Table, Totals};
    use crate::probe::horizon::Holder;

    /// A million rows: vacuum above 200,050 dead ones, analyze above 100,050 changes.
    pub fn table() -> Table {
        Table {
            relid: 16_400,
            nspname: "public".to_owned(),
            relname: "Orders".to_owned(),
            relkind: "r".to_owned(),
            reltuples: 1e6,
            relpages: 20_000,
            live: 1_000_000,
            enabled: true,
            vacuum_base: 50.0,
            vacuum_scale: 0.2,
            analyze_base: 50.0,
            analyze_scale: 0.1,
            ..Table::default()
        }
    }

    pub fn setting() -> Setting {
        Setting {
            active: true,
            max_workers: 3,
            naptime_s: 60.0,
            cost_limit: 200,
            cost_delay_ms: 2.0,
            ..Setting::default()
        }
    }

    /// A session of this database, idle in transaction for so long.
    pub fn holder(xmin_age: i64, age_s: f64) -> Holder {
        Holder {
            kind: "session".to_owned(),
            name: "shop".to_owned(),
            pid: Some(700),
            start: Some(7),
            application: Some("checkout".to_owned()),
            state: Some("idle in transaction".to_owned()),
            database: Some("app".to_owned()),
            here: true,
            xmin_age,
            age_s: Some(age_s),
            ..Holder::default()
        }
    }

    /// What is counted now.
    pub fn count(watched: &mut Watched, mut tables: Vec<Table>, setting: Setting) {
        for table in &mut tables {
            table.ratio = autovacuum::due(table).map_or(0.0, |due| due.share());
        }
        let queue = Queue {
            epoch: watched.known.server_now().unwrap(),
            setting,
            totals: Totals {
                tables: 100,
                dead: tables.iter().map(|table| table.dead).sum(),
                ..Totals::default()
            },
            tables,
            ..Queue::default()
        };
        let folded = AutovacuumProbe::fold(watched.known.get::<AutovacuumProbe>(), queue);
        watched.answer::<AutovacuumProbe>(folded);
    }

    /// The alerts of a rule, pending ones too.
    pub fn alerts(watched: &Watched, rule: &Rule) -> Vec<Alert> {
        let alerts = watched.engine.alerts().filter(|alert| alert.rule.id == rule.id);
        alerts.cloned().collect()
    }

    /// So many seconds go by; `tables` tells what is counted after each fifteen of them.
    pub fn watch(watched: &mut Watched, seconds: u32, mut tables: impl FnMut(f64) -> Vec<Table>) {
        for second in (15..=seconds).step_by(15) {
            for _ in 0..5 {
                watched.pass(3.0);
                watched.pulse(|_| ());
            }
            count(watched, tables(f64::from(second)), setting());
        }
    }
}
