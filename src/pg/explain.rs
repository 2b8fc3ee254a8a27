//! Which statements may be asked for their generic plan. `EXPLAIN` without `ANALYZE` runs nothing, but it plans, and a
//! planner evaluates immutable functions of whoever owns them: so no superuser asks, and only plain statements are
//! asked about.

use super::lex::block_comment;
use super::server::Server;

/// First major version with `EXPLAIN (GENERIC_PLAN)`.
pub const SINCE: u32 = 16;

/// What a statement starts with that can be planned.
const PLANNED: &[&str] = &[
    "select", "with", "insert", "update", "delete", "merge", "values", "table",
];

/// Why the generic plan of a statement is not asked for on this server and by this role; `None` if it may be.
#[must_use]
pub fn refusal(server: &Server, text: &str) -> Option<String> {
    if server.major() < SINCE {
        return Some(format!(
            "EXPLAIN (GENERIC_PLAN) needs PostgreSQL {SINCE}; this server is {}.",
            server.version
        ));
    }
    if server.superuser {
        return Some(
            "Not as a superuser: planning evaluates functions that others wrote, with the rights of this session. \
             Connect as a role in pg_monitor and pg_read_all_data."
                .to_owned(),
        );
    }
    let word = first_word(text).to_ascii_lowercase();
    (!PLANNED.contains(&word.as_str())).then(|| {
        "Only SELECT, WITH, INSERT, UPDATE, DELETE, MERGE, VALUES and TABLE have a plan; this is none of them."
            .to_owned()
    })
}

/// The first word, after white space, comments and opening parentheses.
fn first_word(text: &str) -> &str {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
        rest = if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n').map_or("", |(_, rest)| rest)
        } else if rest.starts_with("/*") {
            rest.get(block_comment(rest.as_bytes(), 0)..).unwrap_or_default()
        } else {
            break;
        };
    }
    let name = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    rest.split(|c: char| !name(c)).next().unwrap_or_default()
}

/// The `search_path` a role has: `$user` in it is that role, not ours.
pub(super) fn search_path(path: &str, quoted_role: &str) -> String {
    path.replace("\"$user\"", "$user").replace("$user", quoted_role)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn server() -> Server {
        Server {
            version_num: 160_004,
            ..Server::default()
        }
    }

    #[rstest]
    #[case("select 1", true)]
    #[case("  \n(SELECT $1)", true)]
    #[case("/* app:x /* nested */ */ -- note\n with a as (select $1) select * from a", true)]
    #[case("Merge into t using s on t.a = s.a when matched then delete", true)]
    #[case("update t set a = $1", true)]
    #[case("TABLE t", true)]
    #[case("values ($1)", true)]
    #[case("selecting", false)]
    #[case("delete_all()", false)]
    #[case("ANALYZE select 1", false)]
    #[case(") select 1", false)]
    #[case("create table x as select $1", false)]
    #[case("vacuum t", false)]
    #[case("/* unclosed select 1", false)]
    #[case("-- select 1", false)]
    #[case("", false)]
    fn only_plain_statements_are_planned(#[case] text: &str, #[case] planned: bool) {
        assert_eq!(refusal(&server(), text).is_none(), planned, "{text}");
    }

    #[test]
    fn old_servers_and_superusers_are_told_why() {
        let old = Server {
            version_num: 150_000,
            version: "15.0".to_owned(),
            ..Server::default()
        };
        assert!(refusal(&old, "select 1").is_some_and(|why| why.contains("needs PostgreSQL 16")));
        let superuser = Server {
            superuser: true,
            ..server()
        };
        assert!(refusal(&superuser, "select 1").is_some_and(|why| why.contains("superuser")));
    }

    #[test]
    fn the_user_in_the_search_path_is_the_statements() {
        assert_eq!(search_path("\"$user\", public", "\"App\""), "\"App\", public");
        assert_eq!(search_path("app, $user", "bob"), "app, bob");
    }
}
