//! What a standby receives and replays. Asked only where there is recovery.

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::{Row, Rows};
use crate::probe::pulse::PulseProbe;
use crate::probe::{Ask, Probe, Spec, Tier, Wanted};

/// The probe.
pub struct RecoveryProbe;

/// How the recovery goes. Ages are by the standby's clock.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recovery {
    /// Seconds since 1970 by this server's clock.
    pub epoch: f64,
    /// The WAL receiver; `None` when there is none (archive recovery, or the primary is away).
    pub receiver_pid: Option<i32>,
    /// Its status; `None` when there is none or the role may not see it.
    pub receiver_status: Option<String>,
    /// Where it receives from; a directory for a Unix socket.
    pub sender_host: Option<String>,
    /// The port there.
    pub sender_port: Option<i32>,
    /// The slot it uses there.
    pub slot_name: Option<String>,
    /// The timeline it receives.
    pub timeline: Option<i32>,
    /// Seconds since the sender's last message came.
    pub message_age_s: Option<f64>,
    /// Seconds since the sender said, by its own clock, that its WAL went further.
    pub latest_end_age_s: Option<f64>,
    /// Bytes the sender had, at its last message, beyond what is received here.
    pub receive_bytes: Option<i64>,
    /// Bytes received and written, and not flushed to disk (13+).
    pub unflushed_bytes: Option<i64>,
    /// Bytes received and not replayed; `None` if nothing was ever received.
    pub replay_bytes: Option<i64>,
    /// How far replay is, in bytes since 0/0.
    pub replay_position: Option<i64>,
    /// Age of the newest replayed commit: a delay only while there is something left to replay.
    pub replay_s: Option<f64>,
    /// Replay is paused; `None` once recovery has ended.
    pub paused: Option<bool>,
    /// `not paused`, `pause requested`, `paused` (14+).
    pub pause_state: Option<String>,
    /// What recovery prefetch did (15+).
    pub prefetch: Option<Prefetch>,
    /// `recovery_min_apply_delay` in seconds; 0 when off.
    pub min_apply_delay_s: f64,
    /// `hot_standby_feedback`.
    pub hot_standby_feedback: bool,
    /// `max_standby_streaming_delay` in seconds; below 0 without a limit.
    pub max_streaming_delay_s: f64,
    /// `max_standby_archive_delay` in seconds; below 0 without a limit.
    pub max_archive_delay_s: f64,
    /// There is a `restore_command`. Its text is not asked for: it may hold secrets.
    pub restores: bool,
    /// Where recovery is to end, in words; `None` on a standby, which goes on.
    pub target: Option<String>,
    /// Still in recovery.
    pub in_recovery: bool,
}

/// `pg_stat_recovery_prefetch`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Prefetch {
    /// Blocks fetched before they were needed.
    pub fetched: i64,
    /// Blocks that were in memory already.
    pub hits: i64,
    /// Blocks left out for other reasons.
    pub skipped: i64,
    /// Bytes it looks ahead now.
    pub distance: i32,
    /// When it was reset, in seconds since 1970.
    pub reset: Option<f64>,
}

impl Probe for RecoveryProbe {
    type Data = Recovery;
    const SPEC: Spec = Spec {
        id: "recovery",
        title: "what this standby receives and replays",
        why: "Received less replayed is the lag in bytes. The age of the newest replayed commit is a delay only while \
              something is left to replay: an idle primary commits nothing.",
        tier: Tier::Hot,
        variants: &[
            form!("recovery", 15),
            form!("recovery", 14),
            form!("recovery", 13),
            form!("recovery"),
        ],
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
            epoch: row.get("epoch")?,
            receiver_pid: row.get("receiver_pid")?,
            receiver_status: row.text("receiver_status")?,
            sender_host: row.text("sender_host")?,
            sender_port: row.get("sender_port")?,
            slot_name: row.text("slot_name")?,
            timeline: row.get("timeline")?,
            message_age_s: row.get("message_age_s")?,
            latest_end_age_s: row.get("latest_end_age_s")?,
            receive_bytes: row.get("receive_bytes")?,
            unflushed_bytes: row.get("unflushed_bytes")?,
            replay_bytes: row.get("replay_bytes")?,
            replay_position: row.get("replay_position")?,
            replay_s: row.get("replay_s")?,
            paused: row.get("paused")?,
            pause_state: row.text("pause_state")?,
            prefetch: prefetch(row)?,
            min_apply_delay_s: row.get("min_apply_delay_s")?,
            hot_standby_feedback: row.get("hot_standby_feedback")?,
            max_streaming_delay_s: row.get("max_streaming_delay_s")?,
            max_archive_delay_s: row.get("max_archive_delay_s")?,
            restores: row.get("restores")?,
            target: row.text("target")?,
            in_recovery: row.get("in_recovery")?,
        })
    }
}

fn prefetch(row: Row<'_>) -> Result<Option<Prefetch>, Fault> {
    let Some(fetched) = row.get::<Option<i64>>("prefetched")? else {
        return Ok(None);
    };
    Ok(Some(Prefetch {
        fetched,
        hits: row.get("prefetch_hits")?,
        skipped: row.get("prefetch_skipped")?,
        distance: row.get("prefetch_distance")?,
        reset: row.get("prefetch_reset")?,
    }))
}
