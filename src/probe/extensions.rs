//! Which extensions there are now, and what `pg_stat_statements` needs to be of use: they come, go and are updated
//! while we watch, and every question about them has to follow.

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::Rows;
use crate::pg::server::{self, Extension};
use crate::probe::{Probe, Spec, Tier};

/// The probe.
pub struct ExtensionsProbe;

/// What is installed, loaded and set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    /// Extensions of the connected database.
    pub installed: Vec<Extension>,
    /// The version of `pg_stat_statements` that `CREATE EXTENSION` would install; `None` if the server's machine has
    /// no such extension.
    pub statements_default: Option<String>,
    /// `pg_stat_statements.max`; `None` if the library is not preloaded: only a preloaded one has settings.
    pub statements_max: Option<i64>,
    /// `pg_stat_statements.track`: `top`, `all` or `none`.
    pub statements_track: Option<String>,
    /// `pg_stat_statements.track_planning` (13 and later).
    pub track_planning: Option<bool>,
    /// `track_io_timing`.
    pub track_io_timing: bool,
    /// `compute_query_id` (14 and later).
    pub compute_query_id: Option<String>,
    /// `shared_preload_libraries`; `None` where the role may not see it.
    pub preload: Option<String>,
}

impl Extensions {
    /// The installed extension of that name.
    #[must_use]
    pub fn extension(&self, name: &str) -> Option<&Extension> {
        self.installed.iter().find(|extension| extension.name == name)
    }

    /// The library of `pg_stat_statements` is preloaded.
    #[must_use]
    pub fn statements_loaded(&self) -> bool {
        self.statements_max.is_some()
    }
}

impl Probe for ExtensionsProbe {
    type Data = Extensions;
    const SPEC: Spec = Spec {
        id: "extensions",
        title: "which extensions there are, and whether pg_stat_statements is loaded",
        why: "An extension may be created, updated or dropped at any time; which form of a question is asked follows its \
              version. Only a preloaded library has settings in pg_settings, which every role may see.",
        tier: Tier::Workload,
        variants: &[form!("extensions")],
    };

    fn decode(rows: &Rows) -> Result<Extensions, Fault> {
        let row = rows.only()?;
        let max = row.text("statements_max")?;
        Ok(Extensions {
            installed: server::extensions(row, ["names", "versions", "schemas"])?,
            statements_default: row.text("statements_default")?,
            statements_max: max.and_then(|max| max.parse().ok()),
            statements_track: row.text("statements_track")?,
            track_planning: row.get("track_planning")?,
            track_io_timing: row.get("track_io_timing")?,
            compute_query_id: row.text("compute_query_id")?,
            preload: row.text("preload")?,
        })
    }
}
