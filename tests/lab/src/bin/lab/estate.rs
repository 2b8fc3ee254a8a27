//! What the demo's databases are made of besides the shop: tables worth a look in Storage, Partitions and Queries, each
//! with something that deserves to be found.

use pgmon_lab::{Client, Cluster, PATIENCE, Result, wait_for};

/// Databases that the standby copies and the traffic runs in.
pub const DATABASES: [&str; 2] = ["app", "reports"];

/// The tables the two autovacuum workers will be busy with come first: a worker takes tables in the order of `pg_class`.
const THROTTLED: &str = "
    CREATE TABLE page_views (id int PRIMARY KEY, page int NOT NULL, body text)
        WITH (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 20);
    CREATE TABLE audit_log (id int PRIMARY KEY, actor int NOT NULL, body text)
        WITH (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 20);
    INSERT INTO page_views SELECT g, g % 300, repeat('v', 120) FROM generate_series(1, 40000) g;
    INSERT INTO audit_log SELECT g, g % 90, repeat('a', 120) FROM generate_series(1, 30000) g";

/// The shop's tables, small enough to be there in a second.
const SHOP: &str = "
    CREATE EXTENSION pg_stat_statements;
    CREATE EXTENSION pgstattuple;
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
    CREATE INDEX ON events (at)";

/// TOAST, a duplicate index and one that another's first columns make redundant, a foreign key without an index, an
/// `int4` sequence at 93 %.
const STORED: &str = "
    CREATE TABLE documents (id int PRIMARY KEY, owner int NOT NULL, title text NOT NULL, body text NOT NULL);
    ALTER TABLE documents ALTER body SET STORAGE EXTERNAL;
    INSERT INTO documents SELECT g, 1 + g % 10000, 'document ' || g, repeat(md5(g::text), 200) FROM generate_series(1, 2500) g;
    CREATE TABLE order_lines (id int PRIMARY KEY, order_id int NOT NULL, sku text NOT NULL, quantity int NOT NULL, note text);
    INSERT INTO order_lines SELECT g, 1 + g % 20000, 'SKU-' || g % 500, g % 9, 'as ordered' FROM generate_series(1, 80000) g;
    CREATE INDEX order_lines_order ON order_lines (order_id);
    CREATE INDEX order_lines_order_sku ON order_lines (order_id, sku);
    CREATE INDEX order_lines_sku ON order_lines (sku);
    CREATE INDEX order_lines_sku_again ON order_lines (sku);
    CREATE TABLE shipments (id serial PRIMARY KEY, order_id int NOT NULL REFERENCES orders, carrier text NOT NULL, sent timestamptz);
    SELECT setval('shipments_id_seq', 1997000000);
    INSERT INTO shipments (order_id, carrier, sent)
        SELECT g, 'carrier ' || g % 7, now() - g * interval '1 minute' FROM generate_series(1, 20000) g;
    CREATE TABLE carts_archive (id int PRIMARY KEY, items int NOT NULL, body text);
    INSERT INTO carts_archive SELECT g, g % 5, repeat('c', 60) FROM generate_series(1, 40000) g;
    DELETE FROM carts_archive WHERE id % 4 <> 0";

/// Days with a hole, months, integers, regions with parts of their own, a hash.
const PARTITIONED: &str = "
    CREATE TABLE metrics (at timestamptz NOT NULL, sensor int NOT NULL, value float8) PARTITION BY RANGE (at);
    CREATE TABLE metrics_default PARTITION OF metrics DEFAULT;
    CREATE TABLE invoices (issued date NOT NULL, customer int NOT NULL, total numeric) PARTITION BY RANGE (issued);
    CREATE TABLE tickets (id int NOT NULL, subject text) PARTITION BY RANGE (id);
    CREATE TABLE visits (region text NOT NULL, at date NOT NULL, visitor int) PARTITION BY LIST (region);
    CREATE TABLE visits_eu PARTITION OF visits FOR VALUES IN ('de', 'fr', 'it') PARTITION BY RANGE (at);
    CREATE TABLE visits_us PARTITION OF visits FOR VALUES IN ('us');
    CREATE TABLE profiles (id int PRIMARY KEY, name text) PARTITION BY HASH (id);
    DO $$
    DECLARE
        today timestamptz := date_trunc('day', now());
        month date := date_trunc('month', now());
    BEGIN
        FOR n IN -10..1 LOOP
            CONTINUE WHEN n = -4;
            EXECUTE format('CREATE TABLE %I PARTITION OF metrics FOR VALUES FROM (%L) TO (%L)',
                'metrics_' || to_char(today + n * interval '1 day', 'YYYYMMDD'),
                today + n * interval '1 day', today + (n + 1) * interval '1 day');
        END LOOP;
        FOR n IN -6..2 LOOP
            EXECUTE format('CREATE TABLE %I PARTITION OF invoices FOR VALUES FROM (%L) TO (%L)',
                'invoices_' || to_char(month + n * interval '1 month', 'YYYYMM'),
                (month + n * interval '1 month')::date, (month + (n + 1) * interval '1 month')::date);
        END LOOP;
        FOR n IN 0..4 LOOP
            EXECUTE format('CREATE TABLE %I PARTITION OF tickets FOR VALUES FROM (%s) TO (%s)',
                'tickets_' || n, n * 10000, (n + 1) * 10000);
        END LOOP;
        FOR n IN -2..1 LOOP
            EXECUTE format('CREATE TABLE %I PARTITION OF visits_eu FOR VALUES FROM (%L) TO (%L)',
                'visits_eu_' || to_char(month + n * interval '1 month', 'YYYYMM'),
                (month + n * interval '1 month')::date, (month + (n + 1) * interval '1 month')::date);
        END LOOP;
        FOR n IN 0..3 LOOP
            EXECUTE format('CREATE TABLE %I PARTITION OF profiles FOR VALUES WITH (MODULUS 4, REMAINDER %s)', 'profiles_' || n, n);
        END LOOP;
    END $$;
    INSERT INTO metrics SELECT now() - g * interval '1 minute', g % 40, random() FROM generate_series(0, 14000) g;
    INSERT INTO invoices SELECT current_date - g % 150, g, g FROM generate_series(1, 6000) g;
    INSERT INTO tickets SELECT g, 'ticket ' || g FROM generate_series(0, 47800) g;
    INSERT INTO visits SELECT (ARRAY['de', 'fr', 'it', 'us'])[1 + g % 4], current_date - g % 28, g FROM generate_series(1, 8000) g;
    INSERT INTO profiles SELECT g, 'profile ' || g FROM generate_series(1, 8000) g";

/// Over their thresholds as soon as [`crate::upkeep`] has changed them.
const NEGLECTED: &str = "
    CREATE TABLE ledger (id int PRIMARY KEY, balance int NOT NULL);
    CREATE TABLE job_queue (id int PRIMARY KEY, state text NOT NULL) WITH (autovacuum_enabled = false);
    CREATE TABLE price_history (sku text NOT NULL, at timestamptz NOT NULL, price int NOT NULL);
    CREATE TABLE returns (id int PRIMARY KEY, reason text NOT NULL);
    INSERT INTO ledger SELECT g, 0 FROM generate_series(1, 30000) g;
    INSERT INTO job_queue SELECT g, 'new' FROM generate_series(1, 30000) g;
    INSERT INTO returns SELECT g, 'too small, too late, too dear' FROM generate_series(1, 40000) g";

/// What others than the superuser may do here. `monitor` reads sequences and column statistics only where it may read
/// the data.
const GRANTS: &str = "
    GRANT ALL ON ALL TABLES IN SCHEMA public TO app;
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO reporting;
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO monitor;
    GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO monitor;
    ALTER TABLE orders OWNER TO app";

const SALES: &str = "
    CREATE TABLE sales AS SELECT g AS id, g % 97 AS region, md5(g::text) AS item FROM generate_series(1, 60000) g;
    CREATE TABLE price_list (sku text PRIMARY KEY, price int NOT NULL);
    CREATE TABLE currencies (code text PRIMARY KEY, rate numeric NOT NULL);
    INSERT INTO price_list SELECT 'SKU-' || g, 100 + g FROM generate_series(1, 500) g;
    INSERT INTO currencies VALUES ('EUR', 1), ('USD', 1.1);
    ANALYZE;
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO reporting;
    GRANT UPDATE ON price_list TO reporting";

/// Makes the databases and fills them.
///
/// # Errors
/// What the server said.
pub async fn prepare(cluster: &Cluster) -> Result<()> {
    for database in DATABASES {
        cluster.database(database).await?;
    }
    tokio::try_join!(app(cluster), reports(cluster))?;
    Ok(())
}

async fn app(cluster: &Cluster) -> Result<()> {
    let client = cluster.client_as("postgres", "app").await?;
    for sql in [THROTTLED, SHOP, STORED, PARTITIONED, NEGLECTED, GRANTS] {
        client.simple(sql).await?;
    }
    invalid_index(&client).await?;
    // Counts that arrive after a VACUUM would make what it has just done look due again: they come with the goodbye.
    drop(client);
    let client = cluster.client_as("postgres", "app").await?;
    wait_for("what was loaded is counted", PATIENCE, async || {
        let last = "SELECT n_tup_ins = 40000 FROM pg_stat_user_tables WHERE relname = 'returns'";
        client.value::<bool>(last).await
    })
    .await?;
    // Whatever comes after is due for a reason. It leaves three quarters of carts_archive empty: that is bloat.
    client.simple("VACUUM (ANALYZE)").await
}

/// A unique index that could not be: what remains of it is invalid, costs every write and serves nobody.
async fn invalid_index(client: &Client) -> Result<()> {
    let index = "CREATE UNIQUE INDEX CONCURRENTLY order_lines_note_key ON order_lines (note)";
    match client.simple(index).await {
        Err(error) if error.says("could not create unique index") => Ok(()),
        other => other,
    }
}

async fn reports(cluster: &Cluster) -> Result<()> {
    cluster.client_as("postgres", "reports").await?.simple(SALES).await
}
