//! A table as labelled facts, in the order of the page.

use super::ago;
use crate::model::{autovacuum, rates, relation_upkeep};
use crate::pane::common::times_over;
use crate::pane::page::{Fact, Rich};
use crate::probe::relation::{Exact, Identity, Toast};
use crate::probe::relation_stats::{Blocks, Runs, Scans, Stats};
use crate::ui::format;
use crate::ui::look::Role;

/// An age of so many transactions is routine: `autovacuum_freeze_max_age` by default.
const ROUTINE_AGE: i64 = 200_000_000;

/// What it is.
pub(super) fn identity(identity: &Identity) -> Vec<Fact> {
    let mut what = Rich::new(kind(identity), Role::Title);
    what.fact(format!("owner {}", identity.owner), Role::Text);
    if let Some(method) = identity.access_method.as_deref().filter(|method| *method != "heap") {
        what.fact(format!("access method {method}"), Role::Notice);
    }
    if let Some(tablespace) = identity.tablespace.as_deref().filter(|name| *name != "pg_default") {
        what.fact(format!("tablespace {tablespace}"), Role::Text);
    }
    match identity.replica_identity.as_str() {
        "f" => what.fact("replica identity full", Role::Notice),
        "n" if has_rows(identity) && identity.name.nspname != "pg_catalog" && identity.kind != "t" => {
            what.fact("replica identity nothing", Role::Notice);
        }
        _ => {}
    }
    let mut facts = vec![Fact::new("Table", what)];
    if let Some(key) = &identity.key {
        let children = format::counted(identity.children, "partition", "partitions");
        facts.push(Fact::new(
            "Partitioned",
            Rich::new(format!("by {key}, {children}"), Role::Text),
        ));
    } else if identity.children > 0 {
        let children = format::counted(identity.children, "table inherits from it", "tables inherit from it");
        facts.push(Fact::new("Inheritance", Rich::new(children, Role::Text)));
    }
    facts.extend(parent(identity));
    facts
}

fn parent(identity: &Identity) -> Vec<Fact> {
    if let Some((_, owner)) = &identity.toast_of {
        return vec![Fact::new("TOAST of", Rich::new(owner.to_string(), Role::Text))];
    }
    let Some(parent) = &identity.parent else {
        return Vec::new();
    };
    let siblings = format::count(parent.children);
    let (label, text) = match &parent.key {
        Some(key) => ("Partition", format!("of {} by {key}, one of {siblings}", parent.name)),
        None => ("Child", format!("of {}, one of {siblings}", parent.name)),
    };
    let mut facts = vec![Fact::new(label, Rich::new(text, Role::Text))];
    let bound = identity.bound.as_deref();
    facts.extend(bound.map(|bound| Fact::new("", Rich::new(bound, Role::Text))));
    facts
}

fn kind(identity: &Identity) -> String {
    let kind = match identity.kind.as_str() {
        "r" if identity.is_partition => "partition",
        "r" => "table",
        "p" => "partitioned table",
        "m" => "materialized view",
        "t" => "TOAST table",
        "f" => "foreign table",
        "v" => "view",
        "S" => "sequence",
        "i" | "I" => "index",
        _ => "relation",
    };
    match identity.persistence.as_str() {
        "u" => format!("unlogged {kind} (emptied by a crash, not on standbys)"),
        "t" => format!("temporary {kind}"),
        _ => kind.to_owned(),
    }
}

/// It has a heap of its own.
pub(super) fn has_rows(identity: &Identity) -> bool {
    matches!(identity.kind.as_str(), "r" | "m" | "t")
}

/// What it takes on disk.
pub(super) fn size(identity: &Identity) -> Vec<Fact> {
    if !has_rows(identity) {
        let text = "no storage of its own";
        return vec![Fact::new("Size", Rich::new(text, Role::Muted))];
    }
    let indexes = format::counted(identity.size.indexes, "index", "indexes");
    let rich = match identity.size.exact {
        Some(exact) => on_disk(identity, exact, &indexes),
        None => by_the_last_vacuum(identity, &indexes),
    };
    vec![Fact::new("Size", rich)]
}

fn on_disk(identity: &Identity, exact: Exact, indexes: &str) -> Rich {
    let mut rich = Rich::new(format::bytes(exact.total()), Role::Title);
    rich.push("  heap ", Role::Muted);
    rich.push(format::bytes(exact.heap), Role::Text);
    rich.fact(format!("{indexes} {}", format::bytes(exact.indexes)), Role::Text);
    if identity.toast.is_some() {
        rich.fact(format!("TOAST {}", format::bytes(exact.toast)), Role::Text);
    }
    rich.fact(format!("maps {}", format::bytes(exact.maps)), Role::Muted);
    rich
}

fn by_the_last_vacuum(identity: &Identity, indexes: &str) -> Rich {
    let toast = identity.toast.as_ref().map_or(0, |toast| toast.pages);
    let index_pages = identity.size.index_pages;
    let about = |pages: i64| {
        format!(
            "\u{2248} {}",
            format::bytes(pages.saturating_mul(i64::from(identity.block)))
        )
    };
    let mut rich = Rich::new(
        about(rates::total([identity.pages, index_pages, toast])),
        Role::Estimated,
    );
    rich.fact(format!("heap {}", about(identity.pages)), Role::Estimated);
    rich.fact(format!("{indexes} {}", about(index_pages)), Role::Estimated);
    rich.fact(format!("TOAST {}", about(toast)), Role::Estimated);
    let why = identity.size.busy.map_or_else(
        || "it went away meanwhile".to_owned(),
        |busy| format!("not measured: {busy}"),
    );
    rich.push(format!(" by the last VACUUM; {why}"), Role::Warning);
    rich
}

/// Rows and how they change.
pub(super) fn rows(identity: &Identity, stats: &Stats) -> Vec<Fact> {
    if !has_rows(identity) {
        return Vec::new();
    }
    let mut rows = Rich::default();
    if identity.tuples < 0.0 {
        rows.push("never counted by VACUUM or ANALYZE", Role::Notice);
    } else {
        rows.push(format!("\u{2248} {}", format::count(identity.tuples)), Role::Estimated);
    }
    if stats.in_recovery {
        rows.fact("live, dead and changed ones are counted on the primary", Role::Muted);
        return vec![Fact::new("Rows", rows)];
    }
    rows.fact(format!("live {}", format::count(stats.live)), Role::Text);
    let dead = format!(
        "dead {} ({})",
        format::count(stats.dead),
        format::share(stats.dead, stats.live.saturating_add(stats.dead))
    );
    rows.fact(dead, Role::Text);
    let mut changes = Rich::new(
        format!(
            "inserted {} \u{b7} updated {} \u{b7} deleted {}",
            format::count(stats.inserted),
            format::count(stats.updated),
            format::count(stats.deleted)
        ),
        Role::Text,
    );
    if stats.updated > 0 {
        let hot = format!("HOT {}", format::share(stats.hot_updated, stats.updated));
        changes.fact(hot, Role::Text);
        if let Some(newpage) = stats.newpage_updated {
            changes.fact(
                format!("to another page {}", format::share(newpage, stats.updated)),
                Role::Text,
            );
        }
    }
    let mut since = Rich::new(
        format!("{} changed since ANALYZE", format::count(stats.mods)),
        Role::Text,
    );
    if let Some(inserts) = stats.inserts {
        since.fact(format!("{} inserted since VACUUM", format::count(inserts)), Role::Text);
    }
    vec![
        Fact::new("Rows", rows),
        Fact::new("Changes", changes),
        Fact::new("", since),
    ]
}

/// When it was cleaned and analyzed.
pub(super) fn upkeep(identity: &Identity, stats: &Stats, now: Option<f64>) -> Vec<Fact> {
    if stats.in_recovery {
        let text = "not known here: VACUUM and ANALYZE run on the primary, which counts them";
        return vec![Fact::new("Vacuum", Rich::new(text, Role::Muted))];
    }
    let runs = |by_hand: &Runs, auto: &Runs| {
        let mut rich = Rich::default();
        for (who, runs) in [("autovacuum", auto), ("by hand", by_hand)] {
            rich.fact(
                run(who, runs, now),
                if runs.count > 0 { Role::Text } else { Role::Muted },
            );
        }
        rich
    };
    let mut facts = Vec::new();
    if has_rows(identity) {
        facts.push(Fact::new("Vacuum", runs(&stats.vacuum, &stats.autovacuum)));
    }
    if identity.kind != "t" {
        facts.push(Fact::new("Analyze", runs(&stats.analyze, &stats.autoanalyze)));
    }
    facts
}

fn run(who: &str, runs: &Runs, now: Option<f64>) -> String {
    if runs.count == 0 && runs.last.is_none() {
        return format!("{who} never");
    }
    let last = runs
        .last
        .map_or_else(String::new, |last| format!(", last {}", ago(last, now)));
    let total = runs.total.filter(|total| *total > 0.0);
    let total = total.map_or_else(String::new, |total| format!(", {} in all", format::duration(total)));
    format!("{who} {}\u{d7}{last}{total}", format::count(runs.count))
}

/// How near it is to what makes autovacuum come.
pub(super) fn thresholds(identity: &Identity, stats: &Stats) -> Vec<Fact> {
    if !has_rows(identity) || stats.in_recovery {
        return Vec::new();
    }
    if identity.persistence == "t" {
        let text = "never comes to a temporary table: its session has to VACUUM and ANALYZE it";
        return vec![Fact::new("Autovacuum", Rich::new(text, Role::Text))];
    }
    let table = relation_upkeep::table(identity, stats);
    let mut rich = Rich::default();
    for distance in autovacuum::distances(&table) {
        let text = format!(
            "{} {} of {} ({})",
            distance.work.name(),
            format::count(distance.count),
            format::count(distance.at),
            times_over(distance.share())
        );
        rich.fact(text, if distance.over() { Role::Notice } else { Role::Text });
    }
    if !table.enabled {
        rich.fact("autovacuum_enabled=false: nobody will come", Role::Warning);
    } else if !relation_upkeep::is_active(stats) {
        rich.fact("autovacuum or track_counts is off on this server", Role::Warning);
    }
    vec![Fact::new("Autovacuum", rich)]
}

/// What VACUUM has marked, and how old the oldest row may be.
pub(super) fn visibility(identity: &Identity, stats: Option<&Stats>) -> Vec<Fact> {
    if !has_rows(identity) {
        return Vec::new();
    }
    let mut pages = Rich::new(
        format!("{} all-visible", format::share(identity.visible_pages, identity.pages)),
        Role::Text,
    );
    if let Some(frozen) = stats.and_then(|stats| stats.frozen_pages) {
        pages.fact(
            format!("{} all-frozen", format::share(frozen, identity.pages)),
            Role::Text,
        );
    }
    pages.fact("as last counted", Role::Muted);
    let mut facts = vec![Fact::new("Pages", pages)];
    let age = |what: &str, xid: Option<i64>, mxid: Option<i64>| {
        let xid = xid?;
        let mxid = mxid.unwrap_or_default();
        let role = if xid.max(mxid) > ROUTINE_AGE {
            Role::Notice
        } else {
            Role::Text
        };
        let text = format!(
            "{what}{} transactions, {} multixacts",
            format::count(xid),
            format::count(mxid)
        );
        Some((text, role))
    };
    let mut ages = Rich::default();
    if let Some((text, role)) = age("", identity.xid_age, identity.mxid_age) {
        ages.fact(text, role);
    }
    let toast = identity.toast.as_ref();
    if let Some((text, role)) = toast.and_then(|toast| age("TOAST ", toast.xid_age, toast.mxid_age)) {
        ages.fact(text, role);
    }
    facts.extend((!ages.is_empty()).then(|| Fact::new("Oldest row", ages)));
    facts
}

/// How it is read.
pub(super) fn reads(identity: &Identity, stats: &Stats, now: Option<f64>) -> Vec<Fact> {
    if !has_rows(identity) {
        return Vec::new();
    }
    let scans = |what: &str, scans: &Scans| {
        let last = scans
            .last
            .map_or_else(String::new, |last| format!(", last {}", ago(last, now)));
        format!(
            "{what} {} ({} rows{last})",
            format::count(scans.count),
            format::count(scans.rows)
        )
    };
    let mut reads = Rich::new(scans("sequential", &stats.seq), Role::Text);
    reads.fact(scans("by index", &stats.index), Role::Text);
    let hit = |what: &str, blocks: &Blocks| {
        format!(
            "{what} {} of {} blocks",
            format::share(blocks.hit, blocks.fetched),
            format::count(blocks.fetched)
        )
    };
    let mut io = Rich::new(hit("heap", &stats.heap), Role::Text);
    io.fact(hit("indexes", &stats.indexes), Role::Text);
    vec![Fact::new("Scans", reads), Fact::new("Cache hit", io)]
}

/// The settings that differ from the server's.
pub(super) fn settings(identity: &Identity) -> Vec<Fact> {
    let off = |option: &str| option == "autovacuum_enabled=false" || option == "autovacuum_enabled=off";
    let mut rich = Rich::default();
    for option in &identity.options {
        rich.fact(option.as_str(), if off(option) { Role::Warning } else { Role::Text });
    }
    for option in identity.toast.iter().flat_map(|toast: &Toast| &toast.options) {
        rich.fact(
            format!("toast.{option}"),
            if off(option) { Role::Warning } else { Role::Text },
        );
    }
    if rich.is_empty() {
        rich.push("none of its own", Role::Muted);
    }
    vec![Fact::new("Settings", rich)]
}

/// Since when the counters count.
pub(super) fn counters(stats: &Stats, now: Option<f64>) -> Vec<Fact> {
    let since = match stats.reset {
        Some(reset) => format!("since their reset {}", ago(reset, now)),
        None => "since the database was made or the server crashed".to_owned(),
    };
    let text = if stats.in_recovery {
        format!("{since}; a standby counts only what is read from it")
    } else {
        since
    };
    vec![Fact::new("Counted", Rich::new(text, Role::Muted))]
}
