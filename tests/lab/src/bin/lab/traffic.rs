//! The everyday life of the demo's server: a shop, its carts, a flash sale on one hot row, reports that spill to disk.

use std::time::{Duration, Instant};

use pgmon_lab::{Client, Cluster, Result};
use tokio::task::JoinSet;

/// One kind of session: who it is, how many of it there are, what it does and how often.
struct Kind {
    application: &'static str,
    role: &'static str,
    database: &'static str,
    sessions: u32,
    /// Between two rounds.
    pause: Duration,
    /// Taken in turn.
    statements: &'static [&'static str],
}

const KINDS: [Kind; 12] = [
    Kind {
        application: "storefront",
        role: "app",
        database: "app",
        sessions: 4,
        pause: Duration::from_millis(60),
        statements: &[
            "SELECT c.name FROM customers c WHERE c.id = (SELECT 1 + floor(random() * 9999)::int)",
            "SELECT i.stock FROM inventory i WHERE i.sku = (SELECT 'SKU-' || (2 + floor(random() * 498)::int))",
            "SELECT count(*) FROM carts c WHERE c.id BETWEEN 100 AND 300 AND c.items > 0",
            "SELECT l.sku, l.quantity FROM order_lines l \
             WHERE l.order_id = (SELECT 1 + floor(random() * 19999)::int) AND l.sku > 'SKU-2'",
        ],
    },
    Kind {
        application: "checkout-web",
        role: "app",
        database: "app",
        sessions: 40,
        pause: Duration::from_millis(1500),
        statements: &["SELECT o.* FROM orders o WHERE o.customer = (SELECT 1 + floor(random() * 9999)::int)"],
    },
    Kind {
        application: "cart-service",
        role: "app",
        database: "app",
        sessions: 3,
        pause: Duration::from_millis(50),
        statements: &[
            "UPDATE carts SET items = items + 1, changed = now() WHERE id = (SELECT 1 + floor(random() * 4999)::int)",
            "UPDATE carts SET items = 0, changed = now() WHERE id = (SELECT 1 + floor(random() * 4999)::int)",
            "BEGIN; UPDATE carts SET items = -1 WHERE id = 17; ROLLBACK",
        ],
    },
    Kind {
        application: "event-ingest",
        role: "app",
        database: "app",
        sessions: 1,
        pause: Duration::from_millis(200),
        statements: &["INSERT INTO events (kind, at, body) \
                       SELECT 'click', clock_timestamp(), repeat('x', 200) FROM generate_series(1, 40)"],
    },
    Kind {
        application: "flash-sale",
        role: "app",
        database: "app",
        sessions: 8,
        pause: Duration::from_millis(100),
        statements: &[
            "BEGIN; UPDATE inventory SET stock = stock - 1 WHERE sku = 'SKU-1'; SELECT pg_sleep(0.3); COMMIT",
        ],
    },
    Kind {
        application: "nightly-report",
        role: "reporting",
        database: "reports",
        sessions: 1,
        pause: Duration::from_secs(4),
        statements: &[
            "SET work_mem = '256kB'; SELECT s.item, row_number() OVER (ORDER BY s.item) FROM sales s OFFSET 60000",
        ],
    },
    Kind {
        application: "bi-dashboard",
        role: "reporting",
        database: "reports",
        sessions: 2,
        pause: Duration::from_secs(2),
        statements: &["SELECT s.region, count(*), pg_sleep(0.01) FROM sales s GROUP BY s.region ORDER BY 2 DESC"],
    },
    Kind {
        application: "search",
        role: "app",
        database: "app",
        sessions: 1,
        pause: Duration::from_secs(3),
        statements: &["SELECT count(*) FROM documents d WHERE d.body LIKE '%5ca1ab1e%'"],
    },
    Kind {
        application: "analyst",
        role: "reporting",
        database: "app",
        sessions: 1,
        pause: Duration::from_secs(2),
        statements: &[
            "SELECT l.sku, sum(l.quantity) FROM order_lines l GROUP BY l.sku ORDER BY 2 DESC LIMIT 10",
            "SELECT c.name, count(*) FROM customers c JOIN invoices i ON i.customer = c.id GROUP BY c.name LIMIT 10",
        ],
    },
    Kind {
        application: "metrics-agent",
        role: "app",
        database: "app",
        sessions: 1,
        pause: Duration::from_millis(500),
        // Now and then a sensor whose clock goes wrong: its rows land in the default partition.
        statements: &[
            "INSERT INTO metrics SELECT now(), g, random() FROM generate_series(1, 20) g",
            "INSERT INTO metrics SELECT now() - interval '4 days', g, random() FROM generate_series(1, 2) g",
        ],
    },
    Kind {
        application: "helpdesk",
        role: "app",
        database: "app",
        sessions: 1,
        pause: Duration::from_secs(1),
        statements: &[
            "INSERT INTO tickets SELECT max(t.id) + 1, 'where is my order' FROM tickets t HAVING max(t.id) < 49990",
        ],
    },
    Kind {
        application: "pricing",
        role: "reporting",
        database: "reports",
        sessions: 1,
        pause: Duration::from_secs(1),
        statements: &[
            "UPDATE price_list SET price = price + 1 WHERE sku = (SELECT 'SKU-' || (1 + floor(random() * 499)::int))",
        ],
    },
];

/// A pool's connections that have nothing to do.
const IDLE: u32 = 20;

/// Starts every session of every kind, and the pool's idle ones.
pub fn start(cluster: &Cluster, tasks: &mut JoinSet<()>) {
    for kind in &KINDS {
        for number in 0..kind.sessions {
            let conninfo = conninfo(cluster, kind.application, kind.role, kind.database);
            tasks.spawn(live(conninfo, kind, number));
        }
    }
    for _ in 0..IDLE {
        let conninfo = conninfo(cluster, "checkout-web", "app", "app");
        tasks.spawn(async move {
            // Held until the task is dropped.
            let _session = idle(&conninfo).await;
            std::future::pending::<()>().await;
        });
    }
}

pub fn conninfo(cluster: &Cluster, application: &str, role: &str, database: &str) -> String {
    format!("{} application_name={application}", cluster.conninfo(role, database))
}

async fn idle(conninfo: &str) -> Result<Client> {
    let client = Client::connect(conninfo).await?;
    client.simple("SHOW transaction_read_only").await?;
    Ok(client)
}

/// One session for ever: somebody at the demo may terminate it or restart the server, so it connects again.
async fn live(conninfo: String, kind: &'static Kind, number: u32) {
    let start = Instant::now();
    loop {
        let _ended = work(&conninfo, kind, number, start).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn work(conninfo: &str, kind: &Kind, number: u32, start: Instant) -> Result<()> {
    let client = Client::connect(conninfo).await?;
    // Sessions of a kind are spread over the pause, so that they do not act at the same moment.
    tokio::time::sleep(kind.pause * number / kind.sessions).await;
    for statement in kind.statements.iter().cycle() {
        client.simple(statement).await?;
        tokio::time::sleep(kind.pause.mul_f64(tide(start))).await;
    }
    Ok(())
}

/// Business comes and goes: a factor between 0.5 and 2 over 40 seconds, so that rates move.
fn tide(start: Instant) -> f64 {
    2_f64.powf((start.elapsed().as_secs_f64() * std::f64::consts::TAU / 40.0).sin())
}
