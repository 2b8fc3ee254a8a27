//! The way to one address: the socket, its options, and TLS. It is kept with the session, since a cancel request
//! has to go the same way over a connection of its own.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use postgres_native_tls::TlsConnector as Handshake;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, timeout_at};
use tokio_postgres::tls::TlsConnect;

use super::wire::Link;
use crate::pg::fault::{self, Fault, FaultKind, Password, Place, Stage};
use crate::pg::plan::{Host, Plan, Target};
use crate::pg::tls;

/// Where a socket can be connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// TCP.
    Tcp(SocketAddr),
    /// A Unix socket's file, or an abstract name.
    Unix(PathBuf),
}

/// How a connection is protected.
#[derive(Clone)]
pub(super) enum Crypt {
    /// Not at all.
    Plain,
    /// By TLS; `optional` goes on without when the server has none.
    Tls {
        /// What verifies the server.
        tls: Arc<tls::Lazy>,
        /// `sslmode=prefer`.
        optional: bool,
    },
}

/// The way to one address.
#[derive(Clone)]
pub(super) struct Route {
    /// For the sentences; `tls` and `local` are set by [`Route::connect`].
    pub(super) place: Place,
    /// Where.
    pub(super) address: Address,
    /// How.
    pub(super) crypt: Crypt,
    keepalive: Option<TcpKeepalive>,
    tcp_user_timeout: Duration,
}

/// The end of the time a connection attempt may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    at: Instant,
    limit: Duration,
}

/// libpq's "wait for ever", as far as a clock goes: a year.
const FOR_EVER: Duration = Duration::from_hours(8760);

impl Deadline {
    /// `limit` from now; zero is libpq's "no limit".
    pub(super) fn new(limit: Duration) -> Self {
        let wait = if limit.is_zero() { FOR_EVER } else { limit };
        Self {
            at: Instant::now() + wait,
            limit,
        }
    }

    /// The result of `work`, or the fault of being late in that stage.
    pub(super) async fn bound<T>(self, place: &Place, stage: Stage, work: impl Future<Output = T>) -> Result<T, Fault> {
        timeout_at(self.at, work)
            .await
            .map_err(|_| fault::timeout(place, stage, Some(self.limit)))
    }
}

/// The request for TLS, the same since 7.0.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

impl Route {
    /// A way to one address of a target.
    pub(super) fn new(plan: &Plan, target: &Target, address: Address, crypt: Crypt) -> Self {
        Self {
            place: place(plan, target),
            address,
            crypt,
            keepalive: keepalive(plan),
            tcp_user_timeout: plan.tcp_user_timeout,
        }
    }

    /// A connected and, where wanted, encrypted socket. Afterwards the route says whether it is encrypted.
    pub(super) async fn connect(&mut self, deadline: Deadline) -> Result<Box<dyn Link>, Fault> {
        self.place.tls = false;
        let socket = deadline.bound(&self.place, Stage::Connect, self.socket()).await?;
        let (link, local) = socket.map_err(|error| fault::unreachable(&self.place, &error))?;
        self.place.local = local;
        let Crypt::Tls { tls, optional } = self.crypt.clone() else {
            return Ok(link);
        };
        let place = self.place.clone();
        match deadline
            .bound(&place, Stage::Tls, encrypt(&place, link, &tls))
            .await??
        {
            (link, true) => {
                self.place.tls = true;
                Ok(link)
            }
            (link, false) if optional => {
                self.crypt = Crypt::Plain;
                Ok(link)
            }
            (_, false) => Err(fault::no_tls(&place)),
        }
    }

    async fn socket(&self) -> io::Result<(Box<dyn Link>, Option<IpAddr>)> {
        match &self.address {
            Address::Unix(path) => Ok((Box::new(UnixStream::connect(path).await?), None)),
            Address::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                self.tune(&stream)?;
                let local = stream.local_addr().ok().map(|local| local.ip());
                Ok((Box::new(stream), local))
            }
        }
    }

    fn tune(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let socket = SockRef::from(stream);
        if let Some(keepalive) = &self.keepalive {
            socket.set_tcp_keepalive(keepalive)?;
        }
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if !self.tcp_user_timeout.is_zero() {
            socket.set_tcp_user_timeout(Some(self.tcp_user_timeout))?;
        }
        Ok(())
    }
}

/// When the system asks a silent peer whether it is still there; what the plan leaves open is the system's to say.
fn keepalive(plan: &Plan) -> Option<TcpKeepalive> {
    let mut keepalive = TcpKeepalive::new();
    let idle = plan.keepalives_idle?;
    if !idle.is_zero() {
        keepalive = keepalive.with_time(idle);
    }
    if let Some(interval) = plan.keepalives_interval {
        keepalive = keepalive.with_interval(interval);
    }
    if let Some(count) = plan.keepalives_count {
        keepalive = keepalive.with_retries(count);
    }
    Some(keepalive)
}

/// What the sentences need to know about a target.
pub(super) fn place(plan: &Plan, target: &Target) -> Place {
    Place {
        host: target.host.to_string(),
        port: target.port,
        unix: matches!(target.host, Host::Unix(_)),
        user: plan.user.clone(),
        dbname: plan.dbname.clone(),
        sslmode: plan.sslmode,
        tls: false,
        local: None,
        password: Password::NotAsked,
    }
}

/// Asks for TLS and does the handshake. `false` with the link as it was: the server has none.
async fn encrypt(place: &Place, mut link: Box<dyn Link>, tls: &tls::Lazy) -> Result<(Box<dyn Link>, bool), Fault> {
    if !tls.direct() {
        match ask_for_tls(&mut link).await {
            Ok(b'S') => {}
            Ok(b'N') => return Ok((link, false)),
            Ok(b'E') => return Err(refused_to_say(place)),
            Ok(_) => return Err(fault::alien(place)),
            Err(error) => return Err(fault::from_io(place, &error)),
        }
    }
    let stream = Handshake::new(tls.get().await?, &place.host).connect(link).await;
    let stream = stream.map_err(|error| fault::certificate(place, &fault::chain(&error)))?;
    Ok((Box::new(stream), true))
}

async fn ask_for_tls(link: &mut Box<dyn Link>) -> io::Result<u8> {
    link.write_all(&SSL_REQUEST).await?;
    link.flush().await?;
    link.read_u8().await
}

/// What follows an `E` here comes from nobody knows whom, so it is not shown (CVE-2024-10977).
fn refused_to_say(place: &Place) -> Fault {
    Fault::new(FaultKind::NotYet, format!("{place} answered the request for TLS with an error: it cannot start another process just now, or is far too old."))
        .with_remedy("The server's log has the reason.")
}

/// The addresses of a target, in the order the name service gives them.
pub(super) async fn resolve(target: &Target) -> io::Result<Vec<Address>> {
    match &target.host {
        Host::Unix(dir) => Ok(vec![Address::Unix(socket_file(dir, target.port))]),
        Host::Tcp { addr: Some(addr), .. } => Ok(vec![Address::Tcp(SocketAddr::new(*addr, target.port))]),
        Host::Tcp { name, addr: None } => {
            let found = tokio::net::lookup_host((name.as_str(), target.port)).await?;
            Ok(found.map(Address::Tcp).collect())
        }
    }
}

/// `DIR/.s.PGSQL.PORT`; a directory that starts with `@` is in the abstract name space, which starts with a NUL.
fn socket_file(dir: &Path, port: u16) -> PathBuf {
    let file = dir.join(format!(".s.PGSQL.{port}"));
    match file.to_str().and_then(|text| text.strip_prefix('@')) {
        Some(name) => PathBuf::from(format!("\0{name}")),
        None => file,
    }
}
