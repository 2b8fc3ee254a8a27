select pg_catalog.current_setting('server_version_num')::int4 as version_num,
       pg_catalog.current_setting('server_version') as version,
       pg_catalog.pg_is_in_recovery() as in_recovery,
       pg_catalog.current_database()::text as database,
       pg_catalog.current_setting('server_encoding') as encoding,
       session_user::text as role,
       pg_catalog.pg_backend_pid() as pid,
       (extract(epoch from pg_catalog.pg_postmaster_start_time()) * 1000000)::int8 as started_us,
       pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') as reads_all_stats,
       (select pg_catalog.bool_or(r.rolsuper)
          from pg_catalog.pg_roles r
         where r.rolname in (session_user, current_user)) as superuser,
       pg_catalog.current_setting('block_size')::int4 as block_size,
       (select s.version from pg_catalog.pg_stat_ssl s where s.pid = pg_catalog.pg_backend_pid()) as tls,
       pg_catalog.current_setting('default_transaction_read_only')::bool as read_only,
       (select t.setting::int8 from pg_catalog.pg_settings t where t.name = 'lock_timeout') as lock_timeout_ms,
       (select pg_catalog.array_agg(e.extname::text order by e.extname)
          from pg_catalog.pg_extension e) as extension_names,
       (select pg_catalog.array_agg(e.extversion order by e.extname)
          from pg_catalog.pg_extension e) as extension_versions,
       (select pg_catalog.array_agg(n.nspname::text order by e.extname)
          from pg_catalog.pg_extension e
          join pg_catalog.pg_namespace n on n.oid = e.extnamespace) as extension_schemas
