//! Every statement this program can send: one SELECT a file, only functions of an allow-list, nothing unused and
//! nothing missing. `default_transaction_read_only` alone would still let a statement reset statistics, terminate
//! backends or take advisory locks, so the guarantee is here.

use std::collections::BTreeSet;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use pgmon_tui::pg::INTRODUCTION;
use pgmon_tui::probe::{PROBES, Spec, Variant};
use sqlparser::ast::{Expr, Function, Query, Select, SetExpr, Statement, TableFactor, Visit, Visitor};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

/// Functions that read, take no lock that waits, and change nothing. To add one here is a decision: say why in the
/// commit.
const ALLOWED: &str = include_str!("allowed_functions.txt");

fn specs() -> impl Iterator<Item = &'static Spec> {
    INTRODUCTION
        .iter()
        .copied()
        .chain(PROBES.iter().map(|entry| entry.spec))
}

fn variants() -> impl Iterator<Item = &'static Variant> {
    specs().flat_map(|spec| spec.variants)
}

fn allowed() -> BTreeSet<&'static str> {
    ALLOWED
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

/// What a statement does beyond reading.
#[derive(Default)]
struct Found {
    functions: BTreeSet<String>,
    writes: Vec<String>,
}

impl Visitor for Found {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::Function(Function { name, .. }) = expr {
            self.functions.insert(name.to_string().to_lowercase());
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table {
            name, args: Some(_), ..
        }
        | TableFactor::Function { name, .. } = table
        {
            self.functions.insert(name.to_string().to_lowercase());
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if !query.locks.is_empty() {
            self.writes.push("FOR UPDATE or the like".to_owned());
        }
        match query.body.as_ref() {
            SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::SetOperation { .. } | SetExpr::Values(_) => {}
            other => self.writes.push(other.to_string()),
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        if select.into.is_some() {
            self.writes.push("SELECT INTO".to_owned());
        }
        ControlFlow::Continue(())
    }
}

fn look_into(file: &str, sql: &str) -> Found {
    // The parser takes SUBSTR for a keyword even behind a schema; quoted it is the same function.
    let quoted = sql.replace("pg_catalog.substr(", "pg_catalog.\"substr\"(");
    let statements =
        Parser::parse_sql(&PostgreSqlDialect {}, &quoted).unwrap_or_else(|error| panic!("{file}: {error}"));
    let [Statement::Query(query)] = statements.as_slice() else {
        panic!("{file} is not exactly one SELECT");
    };
    let mut found = Found::default();
    let _ = query.visit(&mut found);
    found
}

#[test]
fn every_statement_is_one_select_that_calls_only_allowed_functions() {
    let allowed = allowed();
    let mut used = BTreeSet::new();
    for variant in variants() {
        let found = look_into(variant.file, variant.sql);
        assert_eq!(found.writes, Vec::<String>::new(), "{}", variant.file);
        for function in found.functions {
            assert!(allowed.contains(function.as_str()), "{} calls {function}", variant.file);
            used.insert(function);
        }
    }
    let idle: Vec<_> = allowed.iter().filter(|function| !used.contains(**function)).collect();
    assert!(idle.is_empty(), "allowed but called nowhere: {idle:?}");
}

#[test]
fn the_check_itself_refuses_what_it_must() {
    for (sql, function) in [
        (
            "select pg_catalog.pg_terminate_backend(1)",
            "pg_catalog.pg_terminate_backend",
        ),
        ("select 1 from pg_catalog.pg_ls_dir('.')", "pg_catalog.pg_ls_dir"),
        (
            "select (select pg_catalog.pg_stat_reset()) from (values (1)) v",
            "pg_catalog.pg_stat_reset",
        ),
    ] {
        let found = look_into("test", sql);
        assert!(found.functions.contains(function), "{sql}: {:?}", found.functions);
        assert!(!allowed().contains(function));
    }
    for sql in [
        "with x as (delete from t returning 1) select * from x",
        "select 1 from t for update",
        "select 1 into t",
    ] {
        assert!(!look_into("test", sql).writes.is_empty(), "{sql}");
    }
}

#[test]
fn no_query_file_is_unused_and_none_is_used_twice() {
    let used: Vec<_> = variants().map(|variant| variant.file).collect();
    let unique: BTreeSet<_> = used.iter().copied().collect();
    assert_eq!(used.len(), unique.len(), "a query file serves two probes: {used:?}");
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("queries");
    for entry in fs::read_dir(dir).unwrap() {
        let name = format!("queries/{}", entry.unwrap().file_name().to_string_lossy());
        assert!(unique.contains(name.as_str()), "{name} is used by no probe");
    }
}

#[test]
fn every_probe_has_a_form_for_12_and_its_forms_are_newest_first() {
    for spec in specs() {
        let from: Vec<_> = spec.variants.iter().map(|variant| variant.from).collect();
        let extension = spec.variants.iter().any(|variant| variant.extension.is_some());
        assert_eq!(from.last(), Some(if extension { &0 } else { &12 }), "{}", spec.id);
        assert!(from.is_sorted_by(|newer, older| newer > older), "{}: {from:?}", spec.id);
    }
}

#[test]
fn ids_are_unique() {
    let ids: Vec<_> = specs().map(|spec| spec.id).collect();
    let unique: BTreeSet<_> = ids.iter().collect();
    assert_eq!(ids.len(), unique.len(), "{ids:?}");
}
