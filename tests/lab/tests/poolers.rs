//! The lab's pooler pools: its clients meet the same few backends.

use pgmon_lab::{Cluster, Pooler, Result};

#[tokio::test]
async fn transactions_of_two_clients_share_a_backend() -> Result<()> {
    let cluster = Cluster::builder(18)
        .role("mon LOGIN IN ROLE pg_monitor")
        .start()
        .await?;
    let pooler = Pooler::start(&cluster, "transaction", &["default_pool_size = 1"]).await?;
    let (one, two) = (
        pooler.client_as("mon", "postgres").await?,
        pooler.client_as("mon", "postgres").await?,
    );
    let backend = "SELECT pg_backend_pid(), current_user";
    assert_eq!(one.texts(backend).await?, two.texts(backend).await?);
    // What makes a plain SET dangerous there.
    one.simple("SET work_mem = '123kB'").await?;
    assert_eq!(two.texts("SHOW work_mem").await?, [[Some("123kB".to_owned())]]);
    Ok(())
}

#[tokio::test]
async fn startup_options_are_refused() -> Result<()> {
    let cluster = Cluster::builder(12).start().await?;
    let pooler = Pooler::start(&cluster, "transaction", &[]).await?;
    let conninfo = format!(
        "{} options='-c lock_timeout=1'",
        pooler.conninfo("postgres", "postgres")
    );
    let error = pgmon_lab::Client::connect(&conninfo)
        .await
        .err()
        .map(|error| error.to_string());
    assert!(
        error
            .as_deref()
            .is_some_and(|text| text.contains("unsupported startup parameter")),
        "{error:?}"
    );
    Ok(())
}
