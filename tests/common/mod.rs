//! What several test programs need.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use pgmon_tui::pg::conninfo::{self, Args, Files, Inputs, Stat};
use pgmon_tui::pg::plan::{Plan, Prompt};

/// The plan a connection string makes in an empty environment, without files and without questions.
pub fn plan(connection: &str) -> Plan {
    let args = Args {
        rest: vec![connection.to_owned()],
        prompt: Prompt::Never,
        ..Args::default()
    };
    let inputs = Inputs {
        args: &args,
        env: &BTreeMap::new(),
        clusters: &BTreeMap::new(),
        files: &NoFiles,
        os_user: None,
        home: None,
        connect_timeout: pgmon_lab::PATIENCE,
    };
    conninfo::plan(&inputs).unwrap_or_else(|error| panic!("{error}"))
}

struct NoFiles;

impl Files for NoFiles {
    fn stat(&self, _path: &Path) -> Option<Stat> {
        None
    }

    fn read(&self, _path: &Path) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }
}
