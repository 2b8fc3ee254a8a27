//! `host`, `hostaddr` and `port` lists into the places to try.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::super::Inputs;
use super::super::error::{ConninfoError, Origin};
use super::super::keyword::{Value, Values};
use super::bad;
use crate::pg::plan::{Host, Target};

const DEFAULT_PORT: u16 = 5432;

/// Where servers of distribution packages listen, or else those built from source.
pub fn default_socket_dir(inputs: &Inputs<'_>) -> &'static Path {
    let packaged = Path::new("/var/run/postgresql");
    if inputs.files.stat(packaged).is_some() {
        packaged
    } else {
        Path::new("/tmp")
    }
}

/// The places, without passwords.
pub fn targets(values: &Values, default_dir: &Path) -> Result<Vec<Target>, ConninfoError> {
    let addrs = addresses(values)?;
    let names = list(values, "host");
    let count = addrs.len().max(if addrs.is_empty() { names.len() } else { 0 }).max(1);
    if let Some(value) = values.get("host").filter(|_| !names.is_empty() && names.len() != count) {
        return Err(counts("host names", names.len(), count, value));
    }
    let ports = ports(values, count)?;
    let places = (0..count).zip(ports).map(|(index, port)| Target {
        host: host(
            names.get(index).copied().unwrap_or_default(),
            addrs.get(index).copied().flatten(),
            default_dir,
        ),
        port,
        password: None,
    });
    Ok(places.collect())
}

/// For the header: the names of the places, one after the other.
pub fn label(targets: &[Target]) -> String {
    let names: Vec<String> = targets.iter().map(|target| target.host.to_string()).collect();
    names.join(",")
}

/// `requirepeer` is a check of the server behind a socket that the driver cannot make.
pub fn check_peer(values: &Values, targets: &[Target]) -> Result<(), ConninfoError> {
    let socket = targets.iter().any(|target| matches!(target.host, Host::Unix(_)));
    match values.get("requirepeer") {
        Some(value) if socket && !value.text.is_empty() => Err(ConninfoError::Unsupported {
            key: "requirepeer",
            origin: value.origin.clone(),
            why: "pgmon-tui cannot check which system user runs the server behind a socket",
        }),
        _ => Ok(()),
    }
}

fn host(name: &str, addr: Option<IpAddr>, default_dir: &Path) -> Host {
    match addr {
        Some(addr) if name.is_empty() => Host::Tcp {
            name: addr.to_string(),
            addr: Some(addr),
        },
        None if name.is_empty() => Host::Unix(default_dir.to_owned()),
        None if name.starts_with(['/', '@']) => Host::Unix(PathBuf::from(name)),
        addr => Host::Tcp {
            name: name.to_owned(),
            addr,
        },
    }
}

fn addresses(values: &Values) -> Result<Vec<Option<IpAddr>>, ConninfoError> {
    let Some(value) = values.get("hostaddr") else {
        return Ok(Vec::new());
    };
    let address = |text: &str| match text {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| {
            bad(
                "hostaddr",
                value,
                "an IPv4 or IPv6 address, or several separated by commas",
            )
        }),
    };
    list(values, "hostaddr").into_iter().map(address).collect()
}

/// One port for each host.
fn ports(values: &Values, hosts: usize) -> Result<Vec<u16>, ConninfoError> {
    let Some(value) = values.get("port") else {
        return Ok(vec![DEFAULT_PORT; hosts]);
    };
    let ports: Vec<u16> = value
        .text
        .split(',')
        .map(|text| port(text, value))
        .collect::<Result<_, _>>()?;
    match ports.as_slice() {
        [one] => Ok(vec![*one; hosts]),
        several if several.len() == hosts => Ok(ports),
        several => Err(counts("port numbers", several.len(), hosts, value)),
    }
}

fn port(text: &str, value: &Value) -> Result<u16, ConninfoError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(DEFAULT_PORT);
    }
    text.parse().ok().filter(|port| *port > 0).ok_or_else(|| {
        // In a broken URI a piece of the password can stand where the port should be.
        let string = matches!(value.origin, Origin::Argument | Origin::PgmonDsn | Origin::Cluster(_));
        let harmless = !string || text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        ConninfoError::BadValue {
            key: "port",
            origin: value.origin.clone(),
            value: harmless.then(|| text.to_owned()),
            expected: "a number from 1 to 65535, or one for each host, separated by commas",
        }
    })
}

fn list<'v>(values: &'v Values, key: &str) -> Vec<&'v str> {
    values.text(key).map_or_else(Vec::new, |text| text.split(',').collect())
}

fn counts(what: &'static str, count: usize, hosts: usize, value: &Value) -> ConninfoError {
    ConninfoError::Count {
        what,
        count,
        hosts,
        origin: value.origin.clone(),
    }
}
