//! Settings for tests of what is answered, not of how soon a busy machine answers.

use pgmon_tui::config::Settings;

/// The default settings without the fast lane's time limit.
pub fn patient() -> Settings {
    Settings {
        statement_timeout: pgmon_lab::PATIENCE,
        ..Settings::default()
    }
}
