select e.names,
       e.versions,
       e.schemas,
       (select a.default_version
          from pg_catalog.pg_available_extensions() a
         where a.name = 'pg_stat_statements') as statements_default,
       s.statements_max,
       s.statements_track,
       s.track_planning,
       pg_catalog.current_setting('track_io_timing')::bool as track_io_timing,
       pg_catalog.current_setting('compute_query_id', true) as compute_query_id,
       s.preload
  from (select pg_catalog.array_agg(e.extname::text order by e.extname) as names,
               pg_catalog.array_agg(e.extversion order by e.extname) as versions,
               pg_catalog.array_agg(n.nspname::text order by e.extname) as schemas
          from pg_catalog.pg_extension e
          join pg_catalog.pg_namespace n on n.oid = e.extnamespace) e
 cross join (
   select pg_catalog.max(s.setting) filter (where s.name = 'pg_stat_statements.max') as statements_max,
          pg_catalog.max(s.setting) filter (where s.name = 'pg_stat_statements.track') as statements_track,
          pg_catalog.bool_or(s.setting = 'on') filter (where s.name = 'pg_stat_statements.track_planning')
            as track_planning,
          pg_catalog.max(s.setting) filter (where s.name = 'shared_preload_libraries') as preload
     from pg_catalog.pg_settings s
    where s.name in ('pg_stat_statements.max', 'pg_stat_statements.track', 'pg_stat_statements.track_planning',
                     'shared_preload_libraries')) s
