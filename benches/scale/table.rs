//! The result as one table in Markdown.

use std::time::Duration;

use crate::measure::{Cost, Line, Target};

const HEAD: [&str; 10] = [
    "probe",
    "tier",
    "first ms",
    "median ms",
    "rows",
    "MB",
    "the plain form",
    "first ms",
    "median ms",
    "MB",
];

/// Prints it.
pub fn print(target: &Target, lines: &[Line]) {
    let server = target.server();
    println!("\n{server}, database {}, as {}", server.database, server.role);
    println!(
        "ms: from sending to the last row; first: in a new connection; MB: what the backend has for itself afterwards \
         ({} when it has asked nothing)\n",
        megabytes(target.idle)
    );
    let rows: Vec<[String; 10]> = lines.iter().map(|line| row(target, line)).collect();
    let head = HEAD.map(str::to_owned);
    let width = |column: usize| {
        let all = rows.iter().chain([&head]);
        all.map(|row| row[column].chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
    let show = |row: &[String; 10]| {
        let cells = row.iter().zip(&widths).zip(HEAD);
        let cells = cells.map(|((cell, width), head)| {
            if is_text(head) {
                format!("{cell:<width$}")
            } else {
                format!("{cell:>width$}")
            }
        });
        println!("| {} |", cells.collect::<Vec<_>>().join(" | "));
    };
    show(&head);
    let rules: Vec<String> = widths
        .iter()
        .zip(HEAD)
        .map(|(width, head)| rule(*width, is_text(head)))
        .collect();
    println!("|{}|", rules.join("|"));
    rows.iter().for_each(show);
    println!();
    let reason = |line: &Line| Some((line.entry.spec.id, line.cost.as_ref().err()?.clone()));
    for (id, reason) in lines.iter().filter_map(reason) {
        println!("{id}: {reason}");
    }
}

fn is_text(head: &str) -> bool {
    ["probe", "tier", "the plain form"].contains(&head)
}

fn rule(width: usize, text: bool) -> String {
    let dashes = "-".repeat(width + 1);
    if text {
        format!("{dashes}-")
    } else {
        format!("{dashes}:")
    }
}

fn row(target: &Target, line: &Line) -> [String; 10] {
    let tier = (line.entry.tier)(target.server()).name().to_owned();
    let [first, median, rows, memory] = cells(&line.cost);
    let (what, [plain_first, plain_median, _, plain_memory]) = match &line.plain {
        Some((what, cost)) => ((*what).to_owned(), cells(cost)),
        None => (String::new(), [const { String::new() }; 4]),
    };
    [
        line.entry.spec.id.to_owned(),
        tier,
        first,
        median,
        rows,
        memory,
        what,
        plain_first,
        plain_median,
        plain_memory,
    ]
}

/// First, median, rows, memory; dashes where there are none.
fn cells(cost: &Result<Cost, String>) -> [String; 4] {
    match cost {
        Ok(cost) => [
            millis(cost.first),
            millis(cost.median),
            cost.rows.to_string(),
            megabytes(cost.memory),
        ],
        Err(_) => ["-"; 4].map(str::to_owned),
    }
}

fn millis(duration: Duration) -> String {
    format!("{:.1}", duration.as_secs_f64() * 1000.0)
}

fn megabytes(bytes: Option<u64>) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a few gigabytes")]
    bytes.map_or_else(|| "?".to_owned(), |bytes| format!("{:.1}", bytes as f64 / 1e6))
}
