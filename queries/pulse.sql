select extract(epoch from pg_catalog.clock_timestamp())::float8 as epoch,
       extract(epoch from pg_catalog.pg_postmaster_start_time())::float8 as started,
       r.in_recovery,
       case when not r.in_recovery
            then ('x' || pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8))::bit(32)::int4
        end as timeline,
       pg_catalog.pg_wal_lsn_diff(case when r.in_recovery then pg_catalog.pg_last_wal_replay_lsn()
                                       else pg_catalog.pg_current_wal_lsn() end, '0/0'::pg_catalog.pg_lsn)::int8 as wal_position,
       pg_catalog.current_setting('max_connections')::int4 as max_connections,
       pg_catalog.current_setting('superuser_reserved_connections')::int4 as superuser_reserved_connections,
       pg_catalog.current_setting('reserved_connections', true)::int4 as reserved_connections,
       pg_catalog.current_setting('autovacuum_max_workers')::int4 as autovacuum_max_workers,
       pg_catalog.current_setting('autovacuum')::bool as autovacuum,
       extract(epoch from pg_catalog.current_setting('checkpoint_timeout')::interval)::float8 as checkpoint_timeout_s
  from (select pg_catalog.pg_is_in_recovery() as in_recovery) r
