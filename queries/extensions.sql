select (select pg_catalog.array_agg(e.extname::text order by e.extname)
          from pg_catalog.pg_extension e) as names,
       (select pg_catalog.array_agg(e.extversion order by e.extname)
          from pg_catalog.pg_extension e) as versions,
       (select pg_catalog.array_agg(n.nspname::text order by e.extname)
          from pg_catalog.pg_extension e
          join pg_catalog.pg_namespace n on n.oid = e.extnamespace) as schemas,
       (select a.default_version
          from pg_catalog.pg_available_extensions() a
         where a.name = 'pg_stat_statements') as statements_default,
       (select s.setting from pg_catalog.pg_settings s where s.name = 'pg_stat_statements.max') as statements_max,
       (select s.setting from pg_catalog.pg_settings s where s.name = 'pg_stat_statements.track') as statements_track,
       (select s.setting = 'on'
          from pg_catalog.pg_settings s
         where s.name = 'pg_stat_statements.track_planning') as track_planning,
       pg_catalog.current_setting('track_io_timing')::bool as track_io_timing,
       pg_catalog.current_setting('compute_query_id', true) as compute_query_id,
       (select s.setting
          from pg_catalog.pg_settings s
         where s.name = 'shared_preload_libraries') as preload
