//! From a plan to a session: which hosts, which addresses of each, plain or encrypted, with startup options or in
//! the pooler's way, and whether what was found is what `target_session_attrs` wants.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use super::route::{self, Address, Crypt, Deadline, Route};
use super::setup::Setup;
use super::{Session, line::Line};
use crate::pg::fault::{self, Fault, FaultKind, Stage};
use crate::pg::plan::{ChannelBinding, Plan, Secret, SessionAttrs, SslMode, Target};
use crate::pg::server::{self, Introduction};
use crate::pg::tls;

/// One attempt to carry a plan out.
pub(super) struct Dial<'a> {
    /// The plan.
    pub(super) plan: &'a Plan,
    /// The settings of the session.
    pub(super) setup: Setup,
    /// A password the user typed.
    pub(super) typed: Option<&'a Secret>,
    /// What TLS is set up with.
    pub(super) tls: Arc<tls::Lazy>,
}

/// A connection that knows whom it talks to, before `target_session_attrs` is looked at.
struct Found {
    line: Line,
    introduction: Introduction,
}

impl Dial<'_> {
    /// The first session that will do.
    pub(super) async fn open(&self) -> Result<Session, Fault> {
        let mut faults = Vec::new();
        for attrs in passes(self.plan.target_session_attrs) {
            faults.clear();
            for target in self.hosts() {
                match self.host(target, *attrs).await {
                    Ok(session) => return Ok(session),
                    Err(fault) if tries_next(&fault) => faults.push(fault),
                    Err(fault) => return Err(fault),
                }
            }
        }
        Err(together(faults))
    }

    fn hosts(&self) -> Vec<&Target> {
        let mut hosts: Vec<_> = self.plan.hosts.iter().collect();
        if self.plan.shuffle {
            shuffle(&mut hosts);
        }
        hosts
    }

    async fn host(&self, target: &Target, attrs: SessionAttrs) -> Result<Session, Fault> {
        let place = route::place(self.plan, target);
        let limit = Deadline::new(self.plan.connect_timeout);
        let found = limit.bound(&place, Stage::Resolve, route::resolve(target)).await?;
        let mut addresses = found.map_err(|error| fault::resolve(&place, &error))?;
        if self.plan.shuffle {
            shuffle(&mut addresses);
        }
        let mut faults = Vec::new();
        for address in addresses {
            // libpq too gives each address its own connect_timeout: a dead IPv6 route must not use up IPv4's.
            let limit = Deadline::new(self.plan.connect_timeout);
            match self.address(target, address, attrs, limit).await {
                Ok(session) => return Ok(session),
                Err(fault) if tries_next(&fault) => faults.push(fault),
                Err(fault) => return Err(fault),
            }
        }
        Err(together(faults))
    }

    async fn address(
        &self,
        target: &Target,
        address: Address,
        attrs: SessionAttrs,
        limit: Deadline,
    ) -> Result<Session, Fault> {
        let found = self.by_mode(target, &address, limit).await?;
        let server = &found.introduction.server;
        if !suits(attrs, server.in_recovery, found.introduction.read_only) {
            return Err(unsuited(&found.line.route.place, attrs));
        }
        let session = Session::of(
            found.line,
            found.introduction,
            &self.setup,
            !sees_default(self.plan.target_session_attrs),
        );
        limit.bound(session.place(), Stage::Login, session.settle()).await??;
        Ok(session)
    }

    /// What `sslmode` tries, in its order; a Unix socket is never encrypted.
    async fn by_mode(&self, target: &Target, address: &Address, limit: Deadline) -> Result<Found, Fault> {
        let mode = match address {
            Address::Unix(_) => SslMode::Disable,
            Address::Tcp(_) => self.plan.sslmode,
        };
        let (first, second) = match mode {
            SslMode::Disable => (Crypt::Plain, None),
            SslMode::Allow => (Crypt::Plain, Some(self.encrypted(false))),
            SslMode::Prefer => (self.encrypted(true), Some(Crypt::Plain)),
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => (self.encrypted(false), None),
        };
        let first = self.login(target, address, first, limit).await;
        let (Err(refused), Some(second)) = (&first, second) else {
            return first;
        };
        if !matches!(refused.kind, FaultKind::Hba | FaultKind::Tls | FaultKind::Certificate) {
            return first;
        }
        // When pg_hba.conf refuses the other way too, or there is no other way, the first refusal is the news.
        match self.login(target, address, second, limit).await {
            Err(fault) if matches!(fault.kind, FaultKind::Hba | FaultKind::Tls) => first,
            other => other,
        }
    }

    fn encrypted(&self, optional: bool) -> Crypt {
        Crypt::Tls {
            tls: Arc::clone(&self.tls),
            optional,
        }
    }

    /// With our startup options if the server takes them, else in the pooler's way.
    async fn login(&self, target: &Target, address: &Address, crypt: Crypt, limit: Deadline) -> Result<Found, Fault> {
        let attempt = |with_options| {
            let route = Route::new(self.plan, target, address.clone(), crypt.clone());
            self.attempt(target, route, with_options, limit)
        };
        match attempt(true).await {
            Err(refused) if refused.kind == FaultKind::PoolerOptions => attempt(false).await.map_err(Fault::settled),
            // It does not know one of the settings. A server before 11 does not know jit: then its age is the news.
            Err(refused) if refused.sqlstate.as_deref() == Some(UNDEFINED_OBJECT) => match attempt(false).await {
                Err(fault) if fault.kind == FaultKind::TooOld => Err(fault),
                _ => Err(refused),
            },
            other => other,
        }
    }

    async fn attempt(
        &self,
        target: &Target,
        route: Route,
        with_options: bool,
        limit: Deadline,
    ) -> Result<Found, Fault> {
        let line = Line::open(route, &self.config(target, with_options), limit).await?;
        let place = &line.route.place;
        if let Some(fault) = server::unusable(&place.to_string(), &line.version) {
            return Err(fault);
        }
        let greeting = server::greeting(&line.version, &line.encoding);
        // A session with our options needs no transaction of its own, unless it could not read the answer.
        let begin = (!with_options || greeting.is_some_and(|(_, ascii)| ascii)).then(|| self.setup.begin(greeting));
        let asked = line.introduce(begin.as_deref());
        let mut introduction = limit.bound(place, Stage::Login, asked).await??;
        let pooled = !with_options
            || line.key_pid != Some(introduction.pid)
            || !self.setup.took_options(introduction.lock_timeout_ms);
        let server = &mut introduction.server;
        server.pooled = pooled;
        server.tls = tls_name(place.tls, pooled, server.tls.take());
        server.host.clone_from(&place.host);
        server.port = place.port;
        Ok(Found { line, introduction })
    }

    fn config(&self, target: &Target, with_options: bool) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config
            .user(&self.plan.user)
            .dbname(&self.plan.dbname)
            .application_name(&self.plan.application_name)
            // The wire comes to the driver as it shall be: it must ask for no TLS of its own.
            .ssl_mode(tokio_postgres::config::SslMode::Require)
            .ssl_negotiation(tokio_postgres::config::SslNegotiation::Direct)
            .channel_binding(match self.plan.channel_binding {
                ChannelBinding::Disable => tokio_postgres::config::ChannelBinding::Disable,
                ChannelBinding::Prefer => tokio_postgres::config::ChannelBinding::Prefer,
                ChannelBinding::Require => tokio_postgres::config::ChannelBinding::Require,
            });
        if let Some(password) = self.typed.or(target.password.as_ref()) {
            config.password(password.reveal());
        }
        if with_options {
            let read_only = !sees_default(self.plan.target_session_attrs);
            config.options(self.setup.options(self.plan.options.as_deref(), read_only));
        }
        config
    }
}

/// SQLSTATE of an unknown setting.
const UNDEFINED_OBJECT: &str = "42704";

/// The attribute is about the server's own `default_transaction_read_only`, which ours would hide.
const fn sees_default(attrs: SessionAttrs) -> bool {
    matches!(attrs, SessionAttrs::ReadWrite | SessionAttrs::ReadOnly)
}

const fn passes(attrs: SessionAttrs) -> &'static [SessionAttrs] {
    match attrs {
        SessionAttrs::Any => &[SessionAttrs::Any],
        SessionAttrs::ReadWrite => &[SessionAttrs::ReadWrite],
        SessionAttrs::ReadOnly => &[SessionAttrs::ReadOnly],
        SessionAttrs::Primary => &[SessionAttrs::Primary],
        SessionAttrs::Standby => &[SessionAttrs::Standby],
        SessionAttrs::PreferStandby => &[SessionAttrs::Standby, SessionAttrs::Any],
    }
}

const fn suits(attrs: SessionAttrs, in_recovery: bool, read_only: bool) -> bool {
    match attrs {
        SessionAttrs::Any | SessionAttrs::PreferStandby => true,
        SessionAttrs::ReadWrite => !in_recovery && !read_only,
        SessionAttrs::ReadOnly => in_recovery || read_only,
        SessionAttrs::Primary => !in_recovery,
        SessionAttrs::Standby => in_recovery,
    }
}

fn unsuited(place: &fault::Place, attrs: SessionAttrs) -> Fault {
    let (is, name) = match attrs {
        SessionAttrs::ReadWrite => ("read only", "read-write"),
        SessionAttrs::ReadOnly => ("not read only", "read-only"),
        SessionAttrs::Primary => ("a standby", "primary"),
        SessionAttrs::Standby => ("a primary", "standby"),
        SessionAttrs::PreferStandby => ("a primary", "prefer-standby"),
        SessionAttrs::Any => ("not suitable", "any"),
    };
    Fault::new(
        FaultKind::WrongSessionAttrs,
        format!("{place} is {is}, and target_session_attrs={name} wants another."),
    )
    .with_remedy("Name more hosts, or say target_session_attrs=any.")
}

/// Whether the next address or host is tried. As in libpq a server that refuses the login ends the search: the next
/// one would be asked with the same wrong credentials.
fn tries_next(fault: &Fault) -> bool {
    matches!(
        fault.kind,
        FaultKind::Resolve
            | FaultKind::Refused
            | FaultKind::ConnectTimeout
            | FaultKind::NotYet
            | FaultKind::Lost
            | FaultKind::WrongSessionAttrs
    )
}

/// One fault for several hosts: the one that is worth waiting for, else the last, with all that was said.
fn together(mut faults: Vec<Fault>) -> Fault {
    let mut sentences: Vec<String> = Vec::new();
    for fault in &faults {
        if !sentences.contains(&fault.sentence) {
            sentences.push(fault.sentence.clone());
        }
    }
    let index = faults
        .iter()
        .position(Fault::waits)
        .unwrap_or(faults.len().saturating_sub(1));
    if index >= faults.len() {
        return Fault::new(FaultKind::Resolve, "There is no host to connect to.").with_remedy("Give one: -h HOST");
    }
    Fault {
        sentence: sentences.join(" "),
        ..faults.swap_remove(index)
    }
}

/// The TLS protocol between us and what we talk to: behind a pooler the server only knows the pooler's own.
fn tls_name(encrypted: bool, pooled: bool, by_server: Option<String>) -> Option<String> {
    encrypted.then(|| by_server.filter(|_| !pooled).unwrap_or_else(|| "TLS".to_owned()))
}

/// `load_balance_hosts=random`: any order will do, so the standard library's hash seeds are random enough.
fn shuffle<T>(items: &mut [T]) {
    let state = RandomState::new();
    for last in (1..items.len()).rev() {
        let pick = usize::try_from(state.hash_one(last)).unwrap_or_default() % (last + 1);
        items.swap(last, pick);
    }
}
