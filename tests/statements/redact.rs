//! What the program takes for a literal, compared with what the server takes for one: `pg_stat_statements` puts `$1` in
//! the place of every constant it has parsed.

use pgmon_lab::{Client, Cluster, Result};
use pgmon_tui::pg::redact::redact;

/// Statements by the first version that parses them and the first one that writes their text in another way. Each has a
/// name of its own (`m01`), by which it is found.
const STATEMENTS: &[(u32, u32, &str)] = &[
    (12, 99, "SELECT 1 AS m01"),
    (12, 99, "SELECT -1 AS m02, +2, - 3, 4 - 5, 4-5, a-1, a -1 FROM t"),
    (12, 99, "SELECT 1.5 AS m03, .5, 1., 1e3, 1E-3, 1.5e+10, -.5e1"),
    (
        12,
        99,
        "SELECT 'a' AS m04, '', 'it''s', 'a -- b', 'a /* b', 'a\"b', '$$a$$', '''', ''''''",
    ),
    (12, 99, r"SELECT E'a\'b' AS m05, e'\\', E'a''b', E'\x41\'', E'\u0041'"),
    (12, 99, "SELECT B'01' AS m06, b'', X'1F', x'ff', N'abc', n'it''s'"),
    (13, 99, r"SELECT U&'d\0061t' AS m07, u&'it''s'"),
    (13, 99, r"SELECT U&'d!0061t' UESCAPE '!' AS m08, 'x'"),
    (
        12,
        99,
        "SELECT $$a$$ AS m09, $x$ 'b' $$ -- $y$ $x$, $_1$ c $_1$, $$$$, $é$ $e$ $é$",
    ),
    (
        12,
        99,
        "SELECT 'a'\n  'b' AS m10, 'c'\n\t-- it's\n'd', E'e'\n'f\\'g', 'h'",
    ),
    (12, 99, "SELECT a AS m11 -- it's 'one'\n, 2 FROM t -- 3\n WHERE a = 4"),
    (
        12,
        99,
        "SELECT /* it's /* nested */ 'two' */ a AS m12, 1/* 2 */+3 FROM t",
    ),
    (
        12,
        99,
        "SELECT a1 AS m13, x_2024, \"Table 1\", \"it's\"\"2\", a$x7 FROM t1 WHERE x_2024 = 5",
    ),
    (
        12,
        99,
        r#"SELECT U&"\0061" AS m14, U&"!0061" UESCAPE '!' FROM t WHERE a = 1"#,
    ),
    (
        12,
        99,
        "SELECT count(*) AS m15 FROM t WHERE b LIKE 'a%' AND b <> 'c' AND a BETWEEN 1 AND 2 LIMIT 3 OFFSET 4",
    ),
    (12, 99, r"SELECT count(*) AS m16 FROM t WHERE b LIKE 'a\%' AND a = 1"),
    (
        12,
        99,
        "SELECT j->'k' AS m17, j->>'l', j #>> '{m,n}', j ? 'o', j @> '{\"p\": 1}', arr[1], arr[2:3] FROM t",
    ),
    (
        12,
        99,
        "SELECT interval '1 day' AS m18, date '2024-01-01', timestamp '2024-01-01 00:00', '5'::int, CAST('6' AS int)",
    ),
    (12, 99, "SELECT true AS m19, false, NULL, b IS NULL, a = 1 FROM t"),
    (12, 99, "INSERT INTO t (a, b) SELECT 1 AS m20, 'x'"),
    (12, 99, "UPDATE t m21 SET b = 'y', a = a + 1 WHERE a = 1 AND b = 'x'"),
    (12, 99, "DELETE FROM t m22 WHERE a = -1 OR b = 'gone'"),
    (
        12,
        99,
        "WITH m23 AS (SELECT 1 AS one, 'two' AS two) SELECT one, two, 3 FROM m23",
    ),
    (
        12,
        99,
        "SELECT CASE WHEN a > 1 THEN 'big' ELSE 'small' END AS m24 FROM t ORDER BY b || 'z'",
    ),
    (12, 99, "SELECT 1 AS m25 UNION ALL SELECT 2 UNION ALL SELECT 3"),
    (
        12,
        18,
        "SELECT count(*) AS m26 FROM t WHERE a IN (1, 2, 3) AND b IN ('x', 'y')",
    ),
    (12, 18, "SELECT ARRAY[1, 2, 3] AS m27, ARRAY['a', 'b']"),
    (12, 99, "SELECT name'x' AS m28, text'y', int4'7'"),
    (12, 99, "SELECT 1::numeric(10, 2) AS m29, 'abc'::varchar(2)"),
    (
        12,
        99,
        "SELECT a AS m30 FROM generate_series(1, 3) AS a WHERE a*2>3 AND a%2=1 AND 1<>-a",
    ),
    (12, 99, "SELECT 'größe' AS m31, 'データ', '🐘''s' FROM t WHERE b = 'é'"),
    (12, 99, "SELECT 'a\tb' AS m32, 'line\nbreak', $$line\nbreak$$"),
    (
        12,
        99,
        "SELECT a AS m33 FROM t WHERE (a, b) = (1, 'x') OR a = ANY ('{1,2}'::int[])",
    ),
    (
        12,
        99,
        "SELECT overlay('abc' PLACING 'x' FROM 2) AS m34, substring('abc' FROM 2 FOR 1), position('b' IN 'abc')",
    ),
    (
        12,
        99,
        "SELECT 00123 AS m35, 9999999999, 99999999999999999999, 1.0000000001",
    ),
    (
        12,
        99,
        "SELECT lower('A') AS m36, repeat('x', 3), coalesce(b, 'none') FROM t GROUP BY b HAVING count(*) > 0",
    ),
    (
        12,
        99,
        "SELECT a AS m37 FROM t TABLESAMPLE bernoulli (10) REPEATABLE (3) WHERE a = 1",
    ),
    (12, 99, "SELECT xmlelement(name m38, 'content')::text"),
    (
        12,
        99,
        "SELECT a AS m39 FROM t WHERE b ~ '^\\d+$' AND b !~* 'x|y' AND b SIMILAR TO '%(b|d)%'",
    ),
    (12, 99, "VALUES (1, 'm40'), (2, 'b')"),
    (
        16,
        99,
        "SELECT 0x1F AS m43, 0XaF, 0o17, 0b101, 1_000_000, 1_0.5_0e1_0, -0x10",
    ),
];

/// What a plain string says depends on `standard_conforming_strings`: under each setting a text and what must not be seen.
const BACKSLASHES: &[(&str, &str)] = &[
    ("on", r"SELECT 'C:\' AS n01, 'hunter', b FROM t WHERE b = 'hunter'"),
    (
        "on",
        r"SELECT count(*) AS n02 FROM t WHERE b LIKE 'hunter!_' ESCAPE '\' AND b = 'hunter'",
    ),
    ("on", r"SELECT N'\' AS n03, 'hunter', '\', 'hunter\', 'hunter'"),
    ("on", r"SELECT B'1' AS n04, U&'\0061' UESCAPE '\', 'hunter'"),
    (
        "off",
        r"SELECT 'it\'s hunter' AS n05, 'hunter', b FROM t WHERE b = 'hunter'",
    ),
    ("off", r"SELECT 'a\\' AS n06, 'hunter\'' , '\'hunter'"),
    ("off", r"SELECT N'a\'hunter' AS n07, 'hunter'"),
    ("off", "SELECT 'a'\n'b\\'hunter' AS n08, B'01', 'hunter'"),
];

async fn client(cluster: &Cluster) -> Result<Client> {
    let client = cluster.client().await?;
    client
        .simple(
            "CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
             CREATE TABLE t (a int, b text, j jsonb, arr int[]);
             CREATE TABLE t1 (a1 int, x_2024 int, \"Table 1\" int, \"it's\"\"2\" int, a$x7 int)",
        )
        .await?;
    Ok(client)
}

/// The text that the server keeps of the statement with that name in it.
async fn normalized(client: &Client, sql: &str) -> Result<String> {
    client.simple("SELECT pg_stat_statements_reset()").await?;
    client.simple(sql).await?;
    let texts: Vec<String> = client
        .column("SELECT query FROM pg_stat_statements WHERE query !~ 'pg_stat_statements|^SET '")
        .await?;
    assert_eq!(texts.len(), 1, "{sql}: {texts:?}");
    Ok(texts.into_iter().next().unwrap())
}

/// The text cut at the parameters that the server has put in.
fn pieces(normalized: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = normalized;
    let params = (1..).map(|nth| format!("${nth}"));
    for param in params {
        let Some((piece, behind)) = rest.split_once(&param) else {
            break;
        };
        pieces.push(piece);
        rest = behind;
    }
    pieces.push(rest);
    pieces
}

/// The constants that stood between the pieces; every way to cut them out of the text.
fn constants<'a>(text: &'a str, pieces: &[&str]) -> Vec<Vec<&'a str>> {
    let Some((first, rest)) = pieces.split_first() else {
        return Vec::new();
    };
    let Some(text) = text.strip_prefix(first) else {
        return Vec::new();
    };
    let Some(next) = rest.first() else {
        return if text.is_empty() { vec![Vec::new()] } else { Vec::new() };
    };
    let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]).skip(1);
    let ways = ends
        .filter(|at| text.get(*at..).unwrap().starts_with(next))
        .flat_map(|at| {
            let (constant, behind) = text.split_at(at);
            let ways = constants(behind, rest);
            ways.into_iter().map(move |way| [vec![constant], way].concat())
        });
    ways.collect()
}

/// What is shown of a constant: keywords and signs stay.
fn shown(constant: &str) -> String {
    if ["true", "false", "null"].contains(&constant.to_ascii_lowercase().as_str()) {
        return constant.to_owned();
    }
    let literal = constant.trim_start_matches(['-', '+', ' ']);
    constant.replace(literal, "?")
}

/// The statement with the server's constants shown like that, and what the server leaves in its text redacted.
fn expected(text: &str, normalized: &str) -> Vec<String> {
    let pieces = pieces(normalized);
    let ways = constants(text, &pieces);
    assert!(!ways.is_empty(), "{text}\nis not\n{normalized}");
    let text = |way: Vec<&str>| {
        let shown = way.into_iter().map(shown).chain([String::new()]);
        let text: String = pieces
            .iter()
            .zip(shown)
            .flat_map(|(piece, shown)| [(*piece).to_owned(), shown])
            .collect();
        // To the server the letter is a keyword before a plain string.
        redact(&text).replace(" N?", " ?").replace(" n?", " ?")
    };
    ways.into_iter().map(text).collect()
}

async fn compared(major: u32) -> Result<()> {
    let cluster = Cluster::builder(major).start().await?;
    let client = client(&cluster).await?;
    let mut compared = 0;
    let mut different = Vec::new();
    for (_, _, sql) in STATEMENTS.iter().filter(|(from, to, _)| (*from..*to).contains(&major)) {
        let normalized = normalized(&client, sql).await?;
        let expected = expected(sql, &normalized);
        let ours = redact(sql);
        if !expected.iter().any(|expected| *expected == ours) {
            different.push(format!("{sql}\nis shown as\n{ours}\nand kept as\n{normalized}"));
        }
        assert_eq!(
            redact(&normalized).matches('$').count(),
            normalized.matches('$').count(),
            "{normalized}"
        );
        compared += 1;
    }
    assert!(different.is_empty(), "{major}: {}", different.join("\n\n"));
    assert!(compared > 30, "{compared}");
    for (setting, sql) in BACKSLASHES {
        client
            .simple(&format!(
                "SET standard_conforming_strings = {setting}; SET escape_string_warning = off"
            ))
            .await?;
        let normalized = normalized(&client, sql).await?;
        assert!(
            !normalized.contains("hunter"),
            "{major}: the server reads no other constants: {normalized}"
        );
        let ours = redact(sql);
        assert!(!ours.contains("hunter"), "{major}: {sql}\nis shown as\n{ours}");
    }
    Ok(())
}

#[tokio::test]
async fn what_the_server_takes_for_a_constant_is_hidden_12() -> Result<()> {
    compared(12).await
}

#[tokio::test]
async fn what_the_server_takes_for_a_constant_is_hidden_16() -> Result<()> {
    compared(16).await
}

#[tokio::test]
async fn what_the_server_takes_for_a_constant_is_hidden_18() -> Result<()> {
    compared(18).await
}
