//! The everyday life of the demo's server: a shop, its carts, a flash sale on one hot row, reports that spill to disk.

use std::time::{Duration, Instant};

use pgmon_lab::{Client, Cluster, Result};
use tokio::task::JoinSet;

/// The shop's tables, small enough to be there in a second.
const SHOP: &str = "
    CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL);
    CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL, total numeric NOT NULL, placed timestamptz NOT NULL);
    CREATE TABLE carts (id int PRIMARY KEY, items int NOT NULL, changed timestamptz NOT NULL);
    CREATE TABLE inventory (sku text PRIMARY KEY, stock int NOT NULL);
    CREATE TABLE events (id bigint GENERATED ALWAYS AS IDENTITY, kind text NOT NULL, at timestamptz NOT NULL, body text);
    INSERT INTO customers SELECT g, 'customer ' || g FROM generate_series(1, 10000) g;
    INSERT INTO orders SELECT g, 1 + g % 10000, g % 400, now() - g * interval '1 minute' FROM generate_series(1, 20000) g;
    INSERT INTO carts SELECT g, 0, now() FROM generate_series(1, 5000) g;
    INSERT INTO inventory SELECT 'SKU-' || g, 1000000 FROM generate_series(1, 500) g;
    CREATE INDEX ON orders (customer);
    CREATE INDEX ON events (at);
    ANALYZE;
    GRANT ALL ON ALL TABLES IN SCHEMA public TO app;
    ALTER TABLE orders OWNER TO app";

const SALES: &str = "
    CREATE TABLE sales AS SELECT g AS id, g % 97 AS region, md5(g::text) AS item FROM generate_series(1, 60000) g;
    ANALYZE;
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO reporting";

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

const KINDS: [Kind; 7] = [
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
];

/// A pool's connections that have nothing to do.
const IDLE: u32 = 20;

/// Makes the databases and fills them.
pub async fn prepare(cluster: &Cluster) -> Result<()> {
    for (database, setup) in [("app", SHOP), ("reports", SALES)] {
        cluster.database(database).await?;
        cluster.client_as("postgres", database).await?.simple(setup).await?;
    }
    Ok(())
}

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
