//! Settings for tests of what is answered, not of how soon a busy machine answers.

use pgmon_tui::config::Settings;

/// The default settings with as much time for a statement of the fast lane as a test waits at most.
pub fn patient() -> Settings {
    Settings {
        statement_timeout: pgmon_lab::PATIENCE,
        ..Settings::default()
    }
}
