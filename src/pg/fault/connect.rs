//! What goes wrong on the way to a session: each way of failing is one sentence and the next step.
//!
//! The server's messages are translated, its SQLSTATEs are not; where one SQLSTATE serves several cases the name of
//! the C function that reported it (the `R` field, not translated either) tells them apart.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use tokio_postgres::error::DbError;

use super::{Fault, FaultKind, chain, one_line};
use crate::pg::plan::SslMode;
use crate::pg::quote::identifier;

/// Where we tried to connect, and as whom: what the sentences need to know.
#[derive(Clone, Debug)]
pub struct Place {
    /// Host name, or the directory of the socket.
    pub host: String,
    /// TCP port or the socket's number.
    pub port: u16,
    /// By Unix socket.
    pub unix: bool,
    /// Role.
    pub user: String,
    /// Database.
    pub dbname: String,
    /// The mode asked for.
    pub sslmode: SslMode,
    /// This attempt is encrypted.
    pub tls: bool,
    /// Our end's address, once connected by TCP.
    pub local: Option<IpAddr>,
    /// What became of the password.
    pub password: Password,
}

/// What became of the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Password {
    /// The server has not asked for one, or not yet.
    NotAsked,
    /// It asked, and we had none.
    Missing,
    /// It asked and got one.
    Sent,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.unix, self.host.contains(':')) {
            (true, _) => write!(f, "{}/.s.PGSQL.{}", self.host, self.port),
            (false, true) => write!(f, "[{}]:{}", self.host, self.port),
            (false, false) => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl Place {
    fn is_ready(&self) -> String {
        format!("Type: pg_isready -h {} -p {}", self.host, self.port)
    }

    /// The line of `pg_hba.conf` that would let us in.
    fn hba_line(&self) -> String {
        let (user, dbname) = (&self.user, &self.dbname);
        let Some(local) = self.local.filter(|_| !self.unix) else {
            return format!("local {dbname} {user} scram-sha-256");
        };
        let kind = if self.tls { "hostssl" } else { "host" };
        let bits = if local.is_ipv4() { 32 } else { 128 };
        format!("{kind} {dbname} {user} {local}/{bits} scram-sha-256")
    }
}

/// How far a connection attempt got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The name was looked up.
    Resolve,
    /// The socket was connected.
    Connect,
    /// TLS was agreed on.
    Tls,
    /// The server was asked to log us in, and first questions were asked.
    Login,
}

/// The name does not resolve.
pub(in crate::pg) fn resolve(place: &Place, error: &io::Error) -> Fault {
    let host = &place.host;
    Fault::new(
        FaultKind::Resolve,
        format!(
            "The host name \"{host}\" does not resolve: {}.",
            one_line(&error.to_string())
        ),
    )
    .with_remedy(format!("Check its spelling and the name service: getent hosts {host}"))
}

/// The socket cannot be connected.
pub(in crate::pg) fn unreachable(place: &Place, error: &io::Error) -> Fault {
    let kind = match error.kind() {
        io::ErrorKind::TimedOut => return timeout(place, Stage::Connect, None),
        _ => FaultKind::Refused,
    };
    match (place.unix, error.kind()) {
        (true, io::ErrorKind::NotFound) => Fault::new(kind, format!("No server has its socket at {place}."))
            .with_remedy("Is it running? Its directory is the server's unix_socket_directories; by TCP: -h localhost"),
        (true, io::ErrorKind::ConnectionRefused) => Fault::new(
            kind,
            format!("The socket {place} is there, but no server listens on it."),
        )
        .with_remedy(place.is_ready()),
        (true, io::ErrorKind::PermissionDenied) => {
            Fault::new(kind, format!("This user may not open the socket {place}.")).with_remedy(
                "See unix_socket_permissions and unix_socket_group of the server, or connect by TCP: -h localhost",
            )
        }
        (false, io::ErrorKind::ConnectionRefused) => {
            Fault::new(kind, format!("Nothing listens on {place} (connection refused).")).with_remedy(format!(
                "Is the server running, with this port, and listen_addresses not only localhost? {}",
                place.is_ready()
            ))
        }
        _ => Fault::new(
            kind,
            format!("{place} cannot be reached: {}.", one_line(&error.to_string())),
        )
        .with_remedy(place.is_ready()),
    }
}

/// `limit` has passed, or the system's own limit.
pub(in crate::pg) fn timeout(place: &Place, stage: Stage, limit: Option<Duration>) -> Fault {
    let within = limit.map_or_else(
        || "in time".to_owned(),
        |limit| format!("within {} s", limit.as_secs_f64()),
    );
    let (sentence, remedy) = match stage {
        Stage::Resolve => (
            format!("The name service did not resolve \"{}\" {within}.", place.host),
            format!("Type: getent hosts {}", place.host),
        ),
        Stage::Connect => (
            format!("{place} did not answer {within}: the host is down, or a firewall drops the packets."),
            place.is_ready(),
        ),
        Stage::Tls => (
            format!(
                "{place} accepted the connection but did not say {within} whether it speaks TLS: it hangs, or is not PostgreSQL."
            ),
            place.is_ready(),
        ),
        Stage::Login => (
            format!(
                "{place} accepted the connection but the login did not finish {within}: the server hangs, is overloaded, or somebody has locked its system catalogs."
            ),
            "Look at the server's own machine: its load, its log, and whether psql gets in there.".to_owned(),
        ),
    };
    Fault::new(FaultKind::ConnectTimeout, sentence).with_remedy(remedy)
}

/// The server answered that it has no TLS.
pub(in crate::pg) fn no_tls(place: &Place) -> Fault {
    let mode = place.sslmode.name();
    Fault::new(
        FaultKind::Tls,
        format!("{place} has no TLS, and sslmode={mode} forbids to go on without."),
    )
    .with_remedy("Switch it on at the server (ssl = on), or accept an unencrypted connection with sslmode=prefer.")
}

/// Something answered, but not in PostgreSQL's protocol.
pub(in crate::pg) fn alien(place: &Place) -> Fault {
    Fault::new(
        FaultKind::NotPostgres,
        format!("What listens on {place} is not a PostgreSQL server."),
    )
    .with_remedy("Check the port: PostgreSQL's is usually 5432, PgBouncer's 6432.")
}

/// The connection was closed without an answer.
pub(super) fn hung_up(place: &Place) -> Fault {
    Fault::new(FaultKind::Lost, format!("{place} accepted the connection and closed it without an answer: a proxy without a server behind it, a crashing server, or not PostgreSQL."))
        .with_remedy(place.is_ready())
}

/// An I/O error while logging in.
pub(in crate::pg) fn from_io(place: &Place, error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::InvalidData => alien(place),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => hung_up(place),
        _ => client_refused(place, &chain(error)).unwrap_or_else(|| {
            Fault::new(
                FaultKind::Lost,
                format!(
                    "The connection to {place} broke while logging in: {}.",
                    one_line(&error.to_string())
                ),
            )
        }),
    }
}

/// An error of the driver itself while logging in.
pub(super) fn from_driver(place: &Place, text: &str) -> Fault {
    if place.password == Password::Missing {
        return password_missing(place);
    }
    Fault::new(FaultKind::Other, format!("Logging in at {place} failed: {text}."))
}

fn password_missing(place: &Place) -> Fault {
    Fault::new(
        FaultKind::Password,
        format!(
            "{place} wants a password for the role \"{}\", and there is none.",
            place.user
        ),
    )
    .with_remedy(format!(
        "Put it into ~/.pgpass ({}:{}:{}:{}:PASSWORD, mode 0600) or PGPASSWORD, or start on a terminal without -w.",
        place.host, place.port, place.dbname, place.user
    ))
}

/// The sentence for an error the server sent instead of a session.
pub(super) fn from_server(place: &Place, db: &DbError) -> Fault {
    let said = one_line(db.message());
    let routine = db.routine().unwrap_or_default();
    let fault = match db.code().code() {
        "28P01" => password_wrong(place),
        "28000" if routine == "InitializeSessionUserId" => role_refused(place, &said),
        "28000" => hba(place, &said),
        "3D000" => Fault::new(
            FaultKind::UnknownDatabase,
            format!("There is no database \"{}\" at {place}.", place.dbname),
        )
        .with_remedy(format!(
            "See which there are: psql -h {} -p {} -U {} -l",
            place.host, place.port, place.user
        )),
        "42501" => Fault::new(
            FaultKind::Denied,
            format!(
                "The role \"{}\" may not connect to the database \"{}\".",
                place.user, place.dbname
            ),
        )
        .with_remedy(format!(
            "As a superuser: GRANT CONNECT ON DATABASE {} TO {}",
            identifier(&place.dbname),
            identifier(&place.user)
        )),
        "53300" => full(place, routine, &said),
        "57P01" | "57P02" | "57P03" => {
            Fault::new(FaultKind::NotYet, format!("{place} lets nobody in just now: {said}."))
                .with_remedy("It starts, stops, or recovers; its log says how far it is.")
        }
        // Our limits are set before the login looks anything up.
        "55P03" | "57014" => Fault::new(
            FaultKind::NotYet,
            format!("{place} could not finish the login: somebody holds a lock on its system catalogs ({said})."),
        )
        .with_remedy("On the server: SELECT pid, mode, relation::regclass FROM pg_locks WHERE relation < 16384 AND mode = 'AccessExclusiveLock'"),
        "55000" => Fault::new(
            FaultKind::Other,
            format!("The database \"{}\" takes no connections: {said}.", place.dbname),
        ),
        "08P01" => Fault::new(
            FaultKind::PoolerOptions,
            format!("{place} refuses the connection: {said}."),
        ),
        "0A000" => Fault::new(
            FaultKind::TooOld,
            format!("{place} does not speak protocol 3.0: {said}."),
        ),
        code => Fault::new(
            FaultKind::Other,
            format!("{place} refuses the connection: {said} (SQLSTATE {code})."),
        ),
    };
    fault.with_sqlstate(db.code().code())
}

fn password_wrong(place: &Place) -> Fault {
    Fault::new(FaultKind::Password, format!("{place} did not accept the password for the role \"{}\"; it says the same when there is no such role or its password has expired.", place.user))
        .with_remedy("Check -U, ~/.pgpass and PGPASSWORD; the server's log has the true reason.")
}

fn role_refused(place: &Place, said: &str) -> Fault {
    Fault::new(
        FaultKind::UnknownRole,
        format!("{place} does not let the role \"{}\" in: {said}.", place.user),
    )
    .with_remedy(format!(
        "Check -U; as a superuser: CREATE ROLE {0} LOGIN, or ALTER ROLE {0} LOGIN",
        identifier(&place.user)
    ))
}

fn hba(place: &Place, said: &str) -> Fault {
    let encrypted = if place.tls { "with TLS" } else { "without TLS" };
    let how = if place.unix { "by this socket" } else { encrypted };
    let sentence = format!(
        "pg_hba.conf of {place} does not let \"{}\" into \"{}\" {how}: {said}.",
        place.user, place.dbname
    );
    let demanded = match place.sslmode {
        SslMode::Disable if !place.unix => "If it wants TLS: sslmode=require. If not, add to pg_hba.conf",
        _ => "Add to pg_hba.conf",
    };
    Fault::new(FaultKind::Hba, sentence).with_remedy(format!(
        "{demanded}: {}  and then: SELECT pg_reload_conf()",
        place.hba_line()
    ))
}

fn full(place: &Place, routine: &str, said: &str) -> Fault {
    let (sentence, remedy) = match routine {
        "InitializeSessionUserId" => (
            format!("Every connection the role \"{}\" may have at {place} is taken: {said}.", place.user),
            format!("See who holds them, or: ALTER ROLE {} CONNECTION LIMIT -1", identifier(&place.user)),
        ),
        "CheckMyDatabase" => (
            format!("Every connection the database \"{}\" at {place} may have is taken: {said}.", place.dbname),
            format!("Connect to another database, or: ALTER DATABASE {} CONNECTION LIMIT -1", identifier(&place.dbname)),
        ),
        _ => (
            format!("Every connection slot of {place} is taken: {said}."),
            "A superuser may still get in (superuser_reserved_connections), on 16 and later also members of pg_use_reserved_connections.".to_owned(),
        ),
    };
    Fault::new(FaultKind::TooManyConnections, sentence).with_remedy(remedy)
}

/// What the TLS library's verdict on a server certificate contains, what it means, and what to do.
const VERDICTS: &[(&[&str], &str, &str)] = &[
    (
        &["certificate has expired"],
        "has expired",
        "Renew it on the server (ssl_cert_file) and reload; with a lower sslmode nobody knows who answers.",
    ),
    (
        &["not yet valid"],
        "is not valid yet",
        "Compare the clocks of this machine and the server: date -u",
    ),
    (
        &["hostname mismatch", "ip address mismatch"],
        "was made for another name",
        "Connect with the name in the certificate (-h NAME, and hostaddr=ADDRESS if it does not resolve).",
    ),
    (
        &["issuer certificate", "self-signed", "self signed", "first certificate"],
        "is not signed by an authority we know",
        "Give the authority's certificate as sslrootcert=FILE.",
    ),
    (
        &["revoked"],
        "has been revoked",
        "Ask whoever runs the server for a new one.",
    ),
];

/// What comes back when TLS is spoken to something that speaks another protocol.
const NO_TLS_AT_ALL: &[&str] = &["wrong version number", "packet length too long", "http request"];

/// Alerts about our certificate.
const CLIENT_REFUSED: &[&str] = &[
    "certificate required",
    "alert unknown ca",
    "alert bad certificate",
    "alert certificate",
    "handshake failure",
];

/// The server's certificate was not accepted, or the handshake failed for another reason. `text` is the TLS
/// library's, which is not translated; its verdict on a certificate has no other public form.
pub(in crate::pg) fn certificate(place: &Place, text: &str) -> Fault {
    if mentions(text, NO_TLS_AT_ALL) {
        return alien(place);
    }
    let verdict = VERDICTS.iter().find(|(needles, _, _)| mentions(text, needles));
    if let Some((_, means, remedy)) = verdict {
        let sentence = format!("The server certificate of {place} {means}.");
        return Fault::new(FaultKind::Certificate, sentence).with_remedy(*remedy);
    }
    if mentions(text, &["verify failed"]) {
        let sentence = format!(
            "The server certificate of {place} was not accepted: {}.",
            one_line(text)
        );
        return Fault::new(FaultKind::Certificate, sentence).with_remedy("Compare it with sslrootcert.");
    }
    client_refused(place, text).unwrap_or_else(|| {
        let sentence = format!("The TLS handshake with {place} failed: {}.", one_line(text));
        Fault::new(FaultKind::Tls, sentence)
            .with_remedy("Compare ssl_min_protocol_version and ssl_max_protocol_version here and on the server.")
    })
}

/// The server ended TLS with an alert about our certificate; with TLS 1.3 that comes after the handshake.
fn client_refused(place: &Place, text: &str) -> Option<Fault> {
    mentions(text, CLIENT_REFUSED).then(|| {
        let sentence = format!("{place} wants a client certificate it accepts: {}.", one_line(text));
        Fault::new(FaultKind::Certificate, sentence)
            .with_remedy("Give sslcert=FILE and sslkey=FILE, signed by an authority in the server's ssl_ca_file.")
    })
}

fn mentions(text: &str, needles: &[&str]) -> bool {
    let lower = text.to_ascii_lowercase();
    needles.iter().any(|needle| lower.contains(needle))
}
