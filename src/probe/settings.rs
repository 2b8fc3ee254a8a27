//! Settings that can lose data or blind the server's own upkeep, settings that wait for a restart, and what roles and
//! databases set for their sessions.

use std::time::Duration;

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::{Row, Rows};
use crate::probe::{Probe, Spec, Tier};

/// The probe.
pub struct SettingsProbe;

/// The whole answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServerSettings {
    /// The server's clock, in seconds since 1970.
    pub epoch: f64,
    /// When the configuration files were read last.
    pub loaded: f64,
    /// Those we ask for and the role may see, and all that wait for a restart; by name.
    pub rows: Vec<Setting>,
    /// What roles and databases set for their sessions.
    pub overrides: Vec<Override>,
}

/// One setting as a session of ours sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Its value in [`Self::unit`]; `None` of a text that only waits for a restart: it may hold a password.
    pub value: Option<String>,
    /// What a number counts, as `pg_settings` has it: `kB`, `8kB`, `MB`, `ms`, `s`, `min`.
    pub unit: Option<String>,
    /// Where the value comes from: `default`, `configuration file`, `command line`, `database`, `user`, ...
    pub source: String,
    /// Who can change it and how: `internal`, `postmaster`, `sighup`, `superuser`, `user`, ...
    pub context: String,
    /// The files say something else, which holds from the next restart on.
    pub pending_restart: bool,
}

/// A setting of the sessions of a role, of a database, or of a role in a database.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Override {
    /// Whose sessions; `None` for every role.
    pub role: Option<String>,
    /// Sessions in which database; `None` for every one.
    pub database: Option<String>,
    /// The setting.
    pub name: String,
    /// Its value, as it was written.
    pub value: String,
}

impl ServerSettings {
    /// The setting of that name; `None` where the server has none or hides it from the role.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Setting> {
        self.rows.iter().find(|row| row.name == name)
    }

    /// The value of a setting that is a number, in its unit.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<f64> {
        self.get(name)?.value.as_deref()?.parse().ok()
    }
}

impl Setting {
    /// What the session sees is what the server is set to, not what was set for this role, database or session.
    #[must_use]
    pub fn of_the_server(&self) -> bool {
        !matches!(
            self.source.as_str(),
            "database" | "user" | "database user" | "client" | "session" | "global" | "interactive"
        )
    }
}

impl Probe for SettingsProbe {
    type Data = ServerSettings;
    const SPEC: Spec = Spec {
        id: "settings",
        title: "settings that are dangerous or wait for a restart",
        why: "pg_settings tells what a session of this role sees, pg_db_role_setting what others were given. Settings \
              only for superusers are left out for a role that is no member of pg_read_all_settings.",
        tier: Tier::Workload,
        variants: &[form!("settings")],
    };

    /// Nobody changes settings every quarter of a minute.
    fn pause(_took: Duration) -> Duration {
        Duration::from_mins(1)
    }

    fn decode(rows: &Rows) -> Result<ServerSettings, Fault> {
        let mut known = ServerSettings::default();
        for row in rows.iter() {
            known.epoch = row.get("epoch")?;
            known.loaded = row.get("loaded")?;
            if row.get("overrides")? {
                known.overrides.push(overriding(row)?);
            } else {
                known.rows.push(setting(row)?);
            }
        }
        Ok(known)
    }
}

fn setting(row: Row<'_>) -> Result<Setting, Fault> {
    Ok(Setting {
        name: row.text("name")?.unwrap_or_default(),
        value: row.text("value")?,
        unit: row.text("unit")?,
        source: row.text("source")?.unwrap_or_default(),
        context: row.text("context")?.unwrap_or_default(),
        pending_restart: row.get("pending_restart")?,
    })
}

fn overriding(row: Row<'_>) -> Result<Override, Fault> {
    Ok(Override {
        role: row.text("role")?,
        database: row.text("database")?,
        name: row.text("name")?.unwrap_or_default(),
        value: row.text("value")?.unwrap_or_default(),
    })
}
