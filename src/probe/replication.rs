//! The standbys (and other receivers) this server sends WAL to, as a primary or in the middle of a cascade.

use std::time::Duration;

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::{Row, Rows};
use crate::probe::activity::Activity;
use crate::probe::{Ask, Probe, Spec, Tier, Wanted};

/// The probe.
pub struct ReplicationProbe;

/// One receiver. Bytes are behind our own position: written WAL on a primary, received WAL on a standby.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sender {
    /// Seconds since 1970 by this server's clock.
    pub epoch: f64,
    /// Process id of the walsender.
    pub pid: i32,
    /// Its `backend_start` in microseconds since 1970; 0 if hidden.
    pub start: i64,
    /// Role.
    pub usename: Option<String>,
    /// `application_name`.
    pub application_name: Option<String>,
    /// Client address.
    pub client: Option<String>,
    /// `streaming`, `catchup`, ...; `None` when hidden.
    pub state: Option<String>,
    /// `sync`, `async`, `quorum`, `potential`.
    pub sync_state: Option<String>,
    /// Its place in `synchronous_standby_names`; 0 for an asynchronous one, `None` when hidden.
    pub sync_priority: Option<i32>,
    /// Bytes not sent yet.
    pub sent_bytes: Option<i64>,
    /// Bytes not written there yet.
    pub write_bytes: Option<i64>,
    /// Bytes not flushed there yet.
    pub flush_bytes: Option<i64>,
    /// Bytes not replayed there yet.
    pub replay_bytes: Option<i64>,
    /// How far it has replayed, in bytes from the beginning of the WAL.
    pub replay_position: Option<i64>,
    /// `write_lag` in seconds; `None` when it has caught up and is idle.
    pub write_s: Option<f64>,
    /// `flush_lag` in seconds.
    pub flush_s: Option<f64>,
    /// `replay_lag` in seconds; stays at its last value while replay stands still: see [`crate::model::replay`].
    pub replay_s: Option<f64>,
    /// Seconds since its last reply.
    pub reply_age_s: Option<f64>,
    /// When it sent that reply by its own clock, in microseconds since 1970: good only to tell two replies apart.
    pub reply_us: Option<i64>,
    /// Seconds since it was connected.
    pub age_s: Option<f64>,
    /// Age in transactions of the oldest snapshot there that this server has to respect: `hot_standby_feedback`.
    pub xmin_age: Option<i64>,
    /// The slot it uses.
    pub slot_name: Option<String>,
    /// `physical` or `logical`, of that slot.
    pub slot_type: Option<String>,
    /// The database of a logical slot.
    pub database: Option<String>,
    /// The output plugin of a logical slot.
    pub plugin: Option<String>,
    /// Bytes of WAL its slot keeps.
    pub kept_bytes: Option<i64>,
    /// The role may not see this.
    pub hidden: bool,
}

impl Probe for ReplicationProbe {
    type Data = Vec<Sender>;
    const SPEC: Spec = Spec {
        id: "replication",
        title: "standbys and how far behind they are",
        why: "Lag in bytes is counted from our own position (never pg_current_wal_lsn() on a standby); lag in \
              seconds is what the standby reported last.",
        tier: Tier::Hot,
        variants: &[form!("replication")],
    };
    const REST: Duration = Duration::from_secs(15);

    /// A server without standbys is asked less often, unless one has come.
    fn wanted(ask: &Ask<'_>) -> Wanted {
        let none = ask.latest.get::<Self>().is_some_and(Vec::is_empty);
        let backends = ask.latest.get::<Activity>().map_or(&[][..], Vec::as_slice);
        let came = backends
            .iter()
            .any(|backend| backend.backend_type.as_deref() == Some("walsender"));
        if none && !came && ask.focus.pane != Self::SPEC.id && ask.rests::<Self>() {
            Wanted::Keep
        } else {
            Wanted::Yes
        }
    }

    fn decode(rows: &Rows) -> Result<Vec<Sender>, Fault> {
        rows.iter().map(sender).collect()
    }
}

fn sender(row: Row<'_>) -> Result<Sender, Fault> {
    Ok(Sender {
        epoch: row.get("epoch")?,
        pid: row.get("pid")?,
        start: row.get::<Option<i64>>("start_us")?.unwrap_or_default(),
        usename: row.text("usename")?,
        application_name: row.text("application_name")?,
        client: row.text("client")?,
        state: row.text("state")?,
        sync_state: row.text("sync_state")?,
        sync_priority: row.get("sync_priority")?,
        sent_bytes: row.get("sent_bytes")?,
        write_bytes: row.get("write_bytes")?,
        flush_bytes: row.get("flush_bytes")?,
        replay_bytes: row.get("replay_bytes")?,
        replay_position: row.get("replay_position")?,
        write_s: row.get("write_s")?,
        flush_s: row.get("flush_s")?,
        replay_s: row.get("replay_s")?,
        reply_age_s: row.get("reply_age_s")?,
        reply_us: row.get("reply_us")?,
        age_s: row.get("age_s")?,
        xmin_age: row.get("xmin_age")?,
        slot_name: row.text("slot_name")?,
        slot_type: row.text("slot_type")?,
        database: row.text("database")?,
        plugin: row.text("plugin")?,
        kept_bytes: row.get("kept_bytes")?,
        hidden: row.get("hidden")?,
    })
}
