//! Whether a subscription takes what it should.

use crate::model::concern::Concern;
use crate::model::trails::Speed;
use crate::probe::subscriptions::Subscription;

/// What a subscription does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Somebody disabled it.
    Disabled,
    /// It was disabled by an error (15+, `disable_on_error`).
    DisabledByError,
    /// Enabled, and nobody works for it: its worker fails and is started again, or there is none to be had.
    NoWorker,
    /// Tables are still copied.
    Copies,
    /// All tables take changes as they come.
    Streams,
    /// A worker is there; what tables it has is known in its own database only.
    Elsewhere,
    /// Which worker is its own is not known (12, 13: two databases have one of this name).
    Unknown,
    /// This is a standby, which has no such workers: its primary takes the changes.
    OnPrimary,
}

impl State {
    /// By what is known of it.
    #[must_use]
    pub fn of(subscription: &Subscription) -> Self {
        let failed = subscription
            .apply_errors
            .unwrap_or(0)
            .saturating_add(subscription.sync_errors.unwrap_or(0))
            > 0;
        match (subscription.enabled, subscription.worker_pid) {
            (false, _) if failed && subscription.disable_on_error == Some(true) => Self::DisabledByError,
            (false, _) => Self::Disabled,
            (true, None) if subscription.oid.is_none() => Self::Unknown,
            (true, None) => Self::NoWorker,
            (true, Some(_)) => match subscription.tables.zip(subscription.ready) {
                None => Self::Elsewhere,
                Some((tables, ready)) if ready < tables => Self::Copies,
                Some(_) => Self::Streams,
            },
        }
    }

    /// The same where it is seen on a standby.
    #[must_use]
    pub const fn on_standby(self) -> Self {
        match self {
            Self::NoWorker | Self::Unknown => Self::OnPrimary,
            state => state,
        }
    }
}

/// What tells a subscription from those of all databases: `database.name`.
#[must_use]
pub fn identity(subscription: &Subscription) -> String {
    format!("{}.{}", subscription.database, subscription.name)
}

/// How bad that is; `errors` is how fast errors come.
#[must_use]
pub fn concern(state: State, errors: Option<Speed>) -> Concern {
    if matches!(state, State::NoWorker | State::DisabledByError) || errors.is_some_and(|speed| speed.per_second > 0.0) {
        return Concern::Warning;
    }
    match state {
        State::Copies | State::Disabled => Concern::Notice,
        _ => Concern::Calm,
    }
}

/// What `srsubstate` means.
#[must_use]
pub fn table_state(state: &str) -> &'static str {
    match state {
        "i" => "waits to be copied",
        "d" => "is being copied",
        "f" => "copied, catches up",
        "s" => "caught up",
        "r" => "ready",
        _ => "in an unknown state",
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn running() -> Subscription {
        Subscription {
            oid: Some(1),
            enabled: true,
            worker_pid: Some(7),
            tables: Some(2),
            ready: Some(2),
            ..Subscription::default()
        }
    }

    #[rstest]
    #[case::streams(running(), State::Streams, Concern::Calm)]
    #[case::copies(Subscription { ready: Some(1), ..running() }, State::Copies, Concern::Notice)]
    #[case::no_worker(Subscription { worker_pid: None, ..running() }, State::NoWorker, Concern::Warning)]
    #[case::another_database(Subscription { tables: None, ready: None, ..running() }, State::Elsewhere, Concern::Calm)]
    #[case::disabled(Subscription { enabled: false, worker_pid: None, ..running() }, State::Disabled, Concern::Notice)]
    #[case::by_error(Subscription { enabled: false, disable_on_error: Some(true), apply_errors: Some(1), sync_errors: Some(0), ..running() }, State::DisabledByError, Concern::Warning)]
    #[case::ambiguous(Subscription { oid: None, worker_pid: None, ..running() }, State::Unknown, Concern::Calm)]
    fn states(#[case] subscription: Subscription, #[case] state: State, #[case] bad: Concern) {
        let found = State::of(&subscription);
        assert_eq!((found, concern(found, None)), (state, bad));
    }

    #[test]
    fn a_standby_has_no_worker_and_that_is_no_trouble() {
        let found = State::of(&Subscription {
            worker_pid: None,
            ..running()
        });
        assert_eq!(found.on_standby(), State::OnPrimary);
        assert_eq!(concern(found.on_standby(), None), Concern::Calm);
        assert_eq!(State::Disabled.on_standby(), State::Disabled);
    }

    #[test]
    fn errors_that_keep_coming_are_a_warning() {
        let speed = |per_second| Some(Speed { per_second, over: 15.0 });
        assert_eq!(concern(State::Streams, speed(0.2)), Concern::Warning);
        assert_eq!(concern(State::Streams, speed(0.0)), Concern::Calm);
    }
}
