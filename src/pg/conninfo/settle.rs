//! From texts to a [`Plan`]: checks every value, fills the last defaults, finds each host's password.
//! TLS is [`tls`]'s part.

mod hosts;
mod tls;

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Inputs;
use super::error::{ConninfoError, Origin};
use super::keyword::{Fate, KEYWORDS, Value, Values};
use super::passfile::{Passfile, Wanted};
use crate::pg::plan::{ChannelBinding, Host, Plan, Secret, SessionAttrs, Target};

/// The name our sessions have in `pg_stat_activity` unless another was asked for.
pub const APPLICATION_NAME: &str = "pgmon-tui";

/// The plan these values ask for.
pub fn settle(
    values: &Values,
    inputs: &Inputs<'_>,
    label: Option<String>,
    warnings: &mut Vec<String>,
) -> Result<Plan, ConninfoError> {
    refuse_or_mention(values, warnings)?;
    let user = values.text("user").or(inputs.os_user).filter(|user| !user.is_empty());
    let user = user.ok_or(ConninfoError::NoUser)?.to_owned();
    let dbname = values.text("dbname").unwrap_or(&user).to_owned();
    let default_dir = hosts::default_socket_dir(inputs);
    let mut targets = hosts::targets(values, default_dir)?;
    hosts::check_peer(values, &targets)?;
    passwords(values, inputs, (&user, &dbname), default_dir, &mut targets, warnings);
    let tls = tls::settle(values, inputs, &targets, warnings)?;
    let service = values.text("service").map(str::to_owned);
    Ok(Plan {
        label: label.or(service).unwrap_or_else(|| hosts::label(&targets)),
        hosts: targets,
        user,
        dbname,
        prompt: inputs.args.prompt,
        sslmode: tls.mode,
        ssl_direct: tls.direct,
        root_cert: tls.root_cert,
        ssl_cert: tls.cert,
        ssl_key: tls.key,
        ssl_password: values.text("sslpassword").map(|text| Secret::new(text.to_owned())),
        ssl_sni: tls.sni,
        ssl_min_protocol: tls.min_protocol,
        ssl_max_protocol: tls.max_protocol,
        channel_binding: one_of(
            values,
            "channel_binding",
            CHANNEL_BINDINGS,
            "disable, prefer or require",
        )?
        .unwrap_or(ChannelBinding::Prefer),
        target_session_attrs: one_of(values, "target_session_attrs", SESSION_ATTRS, SESSION_ATTRS_NAMES)?
            .unwrap_or(SessionAttrs::Any),
        shuffle: one_of(values, "load_balance_hosts", LOAD_BALANCE, "disable or random")?.unwrap_or(false),
        options: values.text("options").map(str::to_owned),
        application_name: application_name(values),
        connect_timeout: seconds(values, "connect_timeout")?.unwrap_or(inputs.connect_timeout),
        tcp_user_timeout: integer(values, "tcp_user_timeout")?
            .and_then(|millis| u64::try_from(millis).ok())
            .map(Duration::from_millis)
            .unwrap_or_default(),
        keepalives_idle: keepalives_idle(values)?,
        keepalives_interval: seconds(values, "keepalives_interval")?,
        keepalives_count: integer(values, "keepalives_count")?
            .and_then(|count| u32::try_from(count).ok())
            .filter(|count| *count > 0),
        warnings: std::mem::take(warnings),
    })
}

const CHANNEL_BINDINGS: &[(&str, ChannelBinding)] = &[
    ("disable", ChannelBinding::Disable),
    ("prefer", ChannelBinding::Prefer),
    ("require", ChannelBinding::Require),
];

const SESSION_ATTRS_NAMES: &str = "any, read-write, read-only, primary, standby or prefer-standby";
const SESSION_ATTRS: &[(&str, SessionAttrs)] = &[
    ("any", SessionAttrs::Any),
    ("read-write", SessionAttrs::ReadWrite),
    ("read-only", SessionAttrs::ReadOnly),
    ("primary", SessionAttrs::Primary),
    ("standby", SessionAttrs::Standby),
    ("prefer-standby", SessionAttrs::PreferStandby),
];

const LOAD_BALANCE: &[(&str, bool)] = &[("disable", false), ("random", true)];

/// Refuses what must not be ignored, and mentions what is ignored although somebody typed it.
fn refuse_or_mention(values: &Values, warnings: &mut Vec<String>) -> Result<(), ConninfoError> {
    for keyword in KEYWORDS {
        let Some(value) = values.get(keyword.name) else {
            continue;
        };
        match keyword.fate {
            Fate::Refused { unless, why } if !unless.contains(&value.text.as_str()) => {
                return Err(ConninfoError::Unsupported {
                    key: keyword.name,
                    origin: value.origin.clone(),
                    why,
                });
            }
            Fate::Ignored(why) if !matches!(value.origin, Origin::Env(_)) => {
                warnings.push(format!("{}: {} is ignored: {why}", value.origin, keyword.name));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The password of each host: the one that was given, else the password file's.
fn passwords(
    values: &Values,
    inputs: &Inputs<'_>,
    (user, dbname): (&str, &str),
    default_dir: &Path,
    targets: &mut [Target],
    warnings: &mut Vec<String>,
) {
    if let Some(password) = values.text("password") {
        for target in targets {
            target.password = Some(Secret::new(password.to_owned()));
        }
        return;
    }
    let path = values.text("passfile").map(PathBuf::from);
    let Some(path) = path.or_else(|| inputs.in_home(".pgpass")) else {
        return;
    };
    let Some(passfile) = Passfile::open(&path, inputs.files, warnings) else {
        return;
    };
    for target in targets {
        let host = match &target.host {
            Host::Unix(dir) if dir == default_dir => "localhost".to_owned(),
            host => host.to_string(),
        };
        target.password = passfile.password(Wanted {
            host: &host,
            port: target.port,
            dbname,
            user,
        });
    }
}

/// `application_name`, else `fallback_application_name`, else ours. An empty one would hide whose sessions these are.
fn application_name(values: &Values) -> String {
    let name = values
        .text("application_name")
        .or_else(|| values.text("fallback_application_name"));
    name.unwrap_or(APPLICATION_NAME).to_owned()
}

fn keepalives_idle(values: &Values) -> Result<Option<Duration>, ConninfoError> {
    // libpq reads an empty text as 0 here, and only here.
    let on = match values.get("keepalives") {
        Some(value) if value.text.is_empty() => false,
        Some(_) => integer(values, "keepalives")? != Some(0),
        None => true,
    };
    let idle = seconds(values, "keepalives_idle")?.unwrap_or_default();
    Ok(on.then_some(idle))
}

/// A number of seconds; zero or less is the same as nothing said.
fn seconds(values: &Values, key: &'static str) -> Result<Option<Duration>, ConninfoError> {
    let seconds = integer(values, key)?.and_then(|seconds| u64::try_from(seconds).ok());
    Ok(seconds.filter(|seconds| *seconds > 0).map(Duration::from_secs))
}

fn integer(values: &Values, key: &'static str) -> Result<Option<i32>, ConninfoError> {
    let Some(value) = values.get(key) else {
        return Ok(None);
    };
    let parsed = value.text.trim().parse();
    parsed.map(Some).map_err(|_| bad(key, value, "a whole number"))
}

/// One of a few words. An empty text is as wrong as any other, as in libpq.
fn one_of<T: Copy>(
    values: &Values,
    key: &'static str,
    words: &[(&str, T)],
    expected: &'static str,
) -> Result<Option<T>, ConninfoError> {
    let Some(value) = values.get(key) else {
        return Ok(None);
    };
    let found = words.iter().find(|(word, _)| *word == value.text);
    found
        .map(|(_, meaning)| Some(*meaning))
        .ok_or_else(|| bad(key, value, expected))
}

fn bad(key: &'static str, value: &Value, expected: &'static str) -> ConninfoError {
    ConninfoError::BadValue {
        key,
        origin: value.origin.clone(),
        value: Some(value.text.clone()),
        expected,
    }
}
