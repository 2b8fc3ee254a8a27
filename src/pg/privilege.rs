//! Can this role write? A monitoring role should not be able to: what a role cannot do, no program that uses it can
//! do by mistake. `pg_monitor` sees everything worth seeing and changes nothing.
//!
//! `queries/can_write.sql` looks at the session's role and at every role it is a member of, inherited or not
//! (`SET ROLE` would do): attributes, predefined roles, ownership in every database, write grants in this one. What
//! every role has anyway (`CREATE` on the schema `public` before 15) is a warning. Not looked at: column grants to
//! `PUBLIC`, functions with `SECURITY DEFINER`.

use std::time::Duration;

use super::fault::Fault;
use super::quote::identifier;
use super::rows::{Row, Rows};
use super::session::Session;
use crate::form;
use crate::probe::{Spec, Tier};

/// The question asked once per connection.
pub static SPEC: Spec = Spec {
    id: "can_write",
    title: "whether this role could write",
    why: "A monitoring role should not be able to write. Asked once; memberships count even where they are not inherited, since SET ROLE would do.",
    tier: Tier::Hourly,
    variants: &[form!("can_write")],
};

/// Time for the question; it took 0.4 s with 100,000 tables that all carry grants.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a role could change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings(Vec<Finding>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    kind: Kind,
    /// The role that has it: the session's own or one it is a member of; `PUBLIC`.
    who: String,
    /// The attribute, the objects, or privileges and object.
    what: String,
    objects: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Attribute,
    Predefined,
    Owner,
    Grant,
    Schema,
    Database,
}

impl Findings {
    /// True if the role can change something that not every role can.
    #[must_use]
    pub fn may_write(&self) -> bool {
        self.0.iter().any(|finding| !finding.is_common())
    }

    /// What it can change, one sentence each, the worst first; of a superuser only that, since it can do everything.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let superuser = self.0.iter().find(|finding| finding.is_superuser());
        let all = self.0.iter().filter(|finding| !finding.is_common());
        superuser
            .into_iter()
            .chain(all.filter(|_| superuser.is_none()))
            .map(Finding::sentence)
            .collect()
    }

    /// What it can change like every other role of this server, one sentence each.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.0
            .iter()
            .filter(|finding| finding.is_common())
            .map(Finding::sentence)
            .collect()
    }
}

impl Finding {
    fn is_common(&self) -> bool {
        self.kind == Kind::Schema && self.who == "PUBLIC" && self.what == "public"
    }

    fn is_superuser(&self) -> bool {
        self.kind == Kind::Attribute && self.what == "SUPERUSER"
    }

    fn sentence(&self) -> String {
        let Self { who, what, objects, .. } = self;
        match self.kind {
            Kind::Attribute => format!("Role \"{who}\" has the attribute {what}."),
            Kind::Predefined => format!("It is a member of {what}."),
            Kind::Owner if *objects == 1 => format!("Role \"{who}\" owns an object in {what}."),
            Kind::Owner => format!("Role \"{who}\" owns {objects} objects in {what}."),
            Kind::Grant => format!("{} has {what}.", grantee(who)),
            Kind::Schema => format!("{} may create objects in the schema {what}.", grantee(who)),
            Kind::Database => format!("{} may create schemas in the database {what}.", grantee(who)),
        }
    }
}

fn grantee(who: &str) -> String {
    if who == "PUBLIC" {
        "Every role".to_owned()
    } else {
        format!("Role \"{who}\"")
    }
}

impl Session {
    /// What the session's role could change. Asked on any lane, once per connection.
    ///
    /// # Errors
    /// As every question: no time, no lock, no connection.
    pub async fn privileges(&mut self) -> Result<Findings, Fault> {
        decode(&self.run(&SPEC, &[], PATIENCE).await.result?)
    }
}

fn decode(rows: &Rows) -> Result<Findings, Fault> {
    let found: Result<Vec<_>, _> = rows.iter().map(finding).collect();
    Ok(Findings(found?))
}

fn finding(row: Row<'_>) -> Result<Finding, Fault> {
    let text = |column: &str| row.text(column).map(Option::unwrap_or_default);
    let kind = text("kind")?;
    Ok(Finding {
        kind: match kind.as_str() {
            "attribute" => Kind::Attribute,
            "predefined" => Kind::Predefined,
            "owner" => Kind::Owner,
            "schema" => Kind::Schema,
            "database" => Kind::Database,
            _ => Kind::Grant,
        },
        who: text("who")?,
        what: text("what")?,
        objects: row.get("objects")?,
    })
}

/// The three statements that make a role which sees everything and changes nothing.
#[must_use]
pub fn advice(role: &str) -> [String; 3] {
    let name = identifier(role);
    [
        format!("CREATE ROLE {name} LOGIN PASSWORD '...';"),
        grant_monitor(role),
        format!("ALTER ROLE {name} SET default_transaction_read_only = on;"),
    ]
}

/// Makes a role a member of `pg_monitor`: it then sees every session, query text and setting, and can change nothing.
#[must_use]
pub fn grant_monitor(role: &str) -> String {
    format!("GRANT pg_monitor TO {};", identifier(role))
}

/// Makes a role a member of `pg_read_all_data` (14 and later): it may then read every table and sequence, so that their
/// statistics and last values are visible and statements that read them can be planned.
#[must_use]
pub fn grant_read_all_data(role: &str) -> String {
    format!("GRANT pg_read_all_data TO {};", identifier(role))
}

/// Makes a role a member of `pg_stat_scan_tables`: it may then measure tables and indexes with `pgstattuple`.
#[must_use]
pub fn grant_scan_tables(role: &str) -> String {
    format!("GRANT pg_stat_scan_tables TO {};", identifier(role))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn found(kind: Kind, who: &str, what: &str, objects: i64) -> Findings {
        Findings(vec![Finding {
            kind,
            who: who.to_owned(),
            what: what.to_owned(),
            objects,
        }])
    }

    #[rstest]
    #[case(found(Kind::Attribute, "app", "CREATEDB", 1), true)]
    #[case(found(Kind::Owner, "app", "database shop", 3), true)]
    #[case(found(Kind::Schema, "PUBLIC", "shop", 1), true)]
    #[case(found(Kind::Schema, "app", "public", 1), true)]
    #[case(found(Kind::Schema, "PUBLIC", "public", 1), false)]
    #[case(Findings::default(), false)]
    fn what_every_role_has_is_no_reason_to_refuse(#[case] findings: Findings, #[case] may_write: bool) {
        assert_eq!(findings.may_write(), may_write);
        assert_eq!(findings.sentences().is_empty(), !may_write);
    }

    #[rstest]
    #[case("SUPERUSER", &["Role \"app\" has the attribute SUPERUSER."])]
    #[case("CREATEDB", &["Role \"app\" owns 3 objects in database shop.", "Role \"app\" has the attribute CREATEDB."])]
    fn a_superuser_needs_no_other_reason(#[case] attribute: &str, #[case] sentences: &[&str]) {
        let owner = found(Kind::Owner, "app", "database shop", 3);
        let attribute = found(Kind::Attribute, "app", attribute, 1);
        let all = Findings(owner.0.into_iter().chain(attribute.0).collect());
        assert_eq!(all.sentences(), sentences);
    }
}
