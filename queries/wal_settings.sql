select pg_catalog.current_setting('synchronous_standby_names') as synchronous_standby_names,
       pg_catalog.current_setting('synchronous_commit') as synchronous_commit,
       pg_catalog.current_setting('wal_level') as wal_level,
       pg_catalog.current_setting('max_wal_senders')::int4 as max_wal_senders,
       pg_catalog.current_setting('max_replication_slots')::int4 as max_replication_slots,
       nullif(pg_catalog.pg_size_bytes(pg_catalog.current_setting('max_slot_wal_keep_size', true)), -1) as max_keep_bytes,
       nullif(extract(epoch from pg_catalog.current_setting('idle_replication_slot_timeout', true)::interval)::float8, 0) as idle_timeout_s
