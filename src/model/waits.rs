//! What active sessions do: on CPU or waiting, by class of the wait, counted from the activity samples. The mean
//! over time is the average number of active sessions, and it costs the server nothing extra.

use crate::probe::activity::Backend;

/// Classes of waits as the profile shows them, in the order they are stacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WaitClass {
    /// No wait event: running on a CPU, or ready to.
    Cpu,
    /// `IO`: data files, WAL, temporary files.
    Io,
    /// `LWLock` and `BufferPin`: inside the server.
    LwLock,
    /// `Lock`: heavyweight locks, somebody else's transaction.
    Lock,
    /// `IPC`, `Client`, `Timeout`, `Extension`.
    Other,
}

impl WaitClass {
    /// All classes.
    pub const ALL: [Self; 5] = [Self::Cpu, Self::Io, Self::LwLock, Self::Lock, Self::Other];

    /// The class of `wait_event_type`; `None` of a wait is CPU.
    #[must_use]
    pub fn of(wait_event_type: Option<&str>) -> Self {
        match wait_event_type {
            None => Self::Cpu,
            Some("IO") => Self::Io,
            Some("LWLock" | "BufferPin" | "Buffer") => Self::LwLock,
            Some("Lock") => Self::Lock,
            Some(_) => Self::Other,
        }
    }

    /// Its name on the screen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "CPU",
            Self::Io => "IO",
            Self::LwLock => "LWLock",
            Self::Lock => "Lock",
            Self::Other => "other",
        }
    }

    /// Its series.
    #[must_use]
    pub const fn series(self) -> &'static str {
        match self {
            Self::Cpu => "waits.cpu",
            Self::Io => "waits.io",
            Self::LwLock => "waits.lwlock",
            Self::Lock => "waits.lock",
            Self::Other => "waits.other",
        }
    }
}

/// Active sessions of one sample by wait class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    by: [usize; 5],
    /// Backends whose state the role may not see: with any, the profile is not known.
    pub hidden: usize,
}

impl Profile {
    /// Counts a sample.
    #[must_use]
    pub fn of(backends: &[Backend]) -> Self {
        let mut profile = Self::default();
        for backend in backends {
            if backend.hidden {
                profile.hidden += usize::from(backend.usename.is_some());
            } else if works(backend) {
                let class = WaitClass::of(backend.wait_event_type.as_deref());
                profile.by[class as usize] += 1;
            }
        }
        profile
    }

    /// How many in a class.
    #[must_use]
    pub fn count(&self, class: WaitClass) -> usize {
        self.by[class as usize]
    }

    /// All active sessions.
    #[must_use]
    pub fn active(&self) -> usize {
        self.by.iter().sum()
    }
}

/// Active for somebody: clients, their parallel workers, background workers of extensions. Not autovacuum, not
/// walsenders (always active) and nobody in the idle loop of a background process (`Activity`).
fn works(backend: &Backend) -> bool {
    backend.state.as_deref() == Some("active")
        && !matches!(
            backend.backend_type.as_deref(),
            Some("walsender" | "autovacuum worker") | None
        )
        && backend.wait_event_type.as_deref() != Some("Activity")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn backend(kind: &str, state: Option<&str>, wait: Option<&str>) -> Backend {
        Backend {
            usename: Some("app".into()),
            backend_type: Some(kind.into()),
            state: state.map(Into::into),
            wait_event_type: wait.map(Into::into),
            ..Backend::default()
        }
    }

    #[rstest]
    #[case::on_cpu("client backend", Some("active"), None, Some(WaitClass::Cpu))]
    #[case::on_lock("client backend", Some("active"), Some("Lock"), Some(WaitClass::Lock))]
    #[case::pin("client backend", Some("active"), Some("BufferPin"), Some(WaitClass::LwLock))]
    #[case::worker("parallel worker", Some("active"), Some("IO"), Some(WaitClass::Io))]
    #[case::cron("pg_cron", Some("active"), Some("Extension"), Some(WaitClass::Other))]
    #[case::idle("client backend", Some("idle"), Some("Client"), None)]
    #[case::idle_in_tx("client backend", Some("idle in transaction"), Some("Client"), None)]
    #[case::walsender("walsender", Some("active"), Some("Activity"), None)]
    #[case::autovacuum("autovacuum worker", Some("active"), Some("Timeout"), None)]
    #[case::checkpointer("checkpointer", None, Some("Activity"), None)]
    fn who_counts(
        #[case] kind: &str,
        #[case] state: Option<&str>,
        #[case] wait: Option<&str>,
        #[case] expected: Option<WaitClass>,
    ) {
        let profile = Profile::of(&[backend(kind, state, wait)]);
        for class in WaitClass::ALL {
            assert_eq!(profile.count(class), usize::from(expected == Some(class)), "{class:?}");
        }
        assert_eq!(profile.active(), usize::from(expected.is_some()));
    }

    #[test]
    fn hidden_sessions_are_counted_as_hidden() {
        let hidden = Backend {
            hidden: true,
            usename: Some("app".into()),
            ..Backend::default()
        };
        let background = Backend {
            usename: None,
            ..hidden.clone()
        };
        assert_eq!(Profile::of(&[hidden, background]).hidden, 1);
    }
}
