//! What a standby receives and replays. Asked only where there is recovery.

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::Rows;
use crate::probe::pulse::PulseProbe;
use crate::probe::{Ask, Probe, Spec, Tier, Wanted};

/// The probe.
pub struct RecoveryProbe;

/// How the recovery goes. Ages are by the standby's clock.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recovery {
    /// The WAL receiver; `None` when there is none (archive recovery, or the primary is away).
    pub receiver_pid: Option<i32>,
    /// Its status; `None` when there is none or the role may not see it.
    pub receiver_status: Option<String>,
    /// Where it receives from; a directory for a Unix socket.
    pub sender_host: Option<String>,
    /// The port there.
    pub sender_port: Option<i32>,
    /// Seconds since the sender's last message came.
    pub message_age_s: Option<f64>,
    /// Bytes the sender had, at its last message, beyond what is received here.
    pub receive_bytes: Option<i64>,
    /// Bytes received and not replayed.
    pub replay_bytes: Option<i64>,
    /// Age of the newest replayed commit: a delay only while there is something left to replay.
    pub replay_s: Option<f64>,
    /// Replay is paused; `None` once recovery has ended.
    pub paused: Option<bool>,
    /// Still in recovery.
    pub in_recovery: bool,
}

impl Probe for RecoveryProbe {
    type Data = Recovery;
    const SPEC: Spec = Spec {
        id: "recovery",
        title: "what this standby receives and replays",
        why: "Received less replayed is the lag in bytes. The age of the newest replayed commit is a delay only while \
              something is left to replay: an idle primary commits nothing.",
        tier: Tier::Hot,
        variants: &[form!("recovery")],
    };

    fn wanted(ask: &Ask<'_>) -> Wanted {
        let in_recovery = ask
            .latest
            .get::<PulseProbe>()
            .map_or(ask.server.in_recovery, |pulse| pulse.in_recovery);
        if in_recovery {
            Wanted::Yes
        } else {
            Wanted::No("this server is a primary: it recovers nothing")
        }
    }

    fn decode(rows: &Rows) -> Result<Recovery, Fault> {
        let row = rows.only()?;
        Ok(Recovery {
            receiver_pid: row.get("receiver_pid")?,
            receiver_status: row.text("receiver_status")?,
            sender_host: row.text("sender_host")?,
            sender_port: row.get("sender_port")?,
            message_age_s: row.get("message_age_s")?,
            receive_bytes: row.get("receive_bytes")?,
            replay_bytes: row.get("replay_bytes")?,
            replay_s: row.get("replay_s")?,
            paused: row.get("paused")?,
            in_recovery: row.get("in_recovery")?,
        })
    }
}
