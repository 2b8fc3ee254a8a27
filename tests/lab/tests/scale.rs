//! The large database, made small: everything in it is there.

use pgmon_lab::{Cluster, Result, scale};

#[tokio::test]
async fn a_large_database_has_what_it_is_said_to_have() -> Result<()> {
    for major in [12, 18] {
        let conf = scale::CONF
            .iter()
            .filter(|(name, _)| *name != "shared_buffers")
            .fold(Cluster::builder(major), |builder, (name, value)| {
                builder.conf(name, value)
            });
        let cluster = conf.start().await?;
        cluster.database("scale").await?;
        let size = scale::Size {
            tables: 320,
            partitions: 40,
            statements: 30,
        };
        scale::fill(&cluster, "scale", size, |_| ()).await?;
        let client = cluster.client_as("postgres", "scale").await?;
        for (what, sql, expected) in [
            (
                "tables",
                "SELECT count(*) FROM pg_tables WHERE schemaname LIKE 'app\\_%'",
                320,
            ),
            ("sequences", "SELECT count(*) FROM pg_sequences", 64),
            ("keys", "SELECT count(*) FROM pg_constraint WHERE contype = 'f'", 4),
            (
                "partitions",
                "SELECT count(*) FROM pg_inherits WHERE inhparent = 'part.events'::regclass",
                40,
            ),
            (
                "statements",
                "SELECT count(*) FROM pg_stat_statements WHERE query LIKE 'SELECT $1 FROM app%'",
                30,
            ),
        ] {
            assert_eq!(client.value::<i64>(sql).await?, expected, "{what} on {major}");
        }
        let filled: i64 = client
            .value("SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname LIKE 't0%' AND reltuples > 50")
            .await?;
        assert!(filled >= 15, "{filled} tables have rows on {major}");
    }
    Ok(())
}
