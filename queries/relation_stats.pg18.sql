with me as materialized (
  select c.oid, c.relkind, c.relpages, c.reltuples, c.relallvisible, c.relallfrozen
    from pg_catalog.pg_class c
   where c.oid = coalesce((select i.indrelid from pg_catalog.pg_index i where i.indexrelid = any ($1)),
                          ($1::pg_catalog.oid[])[1])
), indexed as materialized (
  select pg_catalog.sum(pg_catalog.pg_stat_get_numscans(i.indexrelid)) as scans,
         pg_catalog.sum(pg_catalog.pg_stat_get_tuples_fetched(i.indexrelid)) as rows,
         pg_catalog.max(pg_catalog.pg_stat_get_lastscan(i.indexrelid)) as last,
         pg_catalog.sum(pg_catalog.pg_stat_get_blocks_fetched(i.indexrelid)) as fetched,
         pg_catalog.sum(pg_catalog.pg_stat_get_blocks_hit(i.indexrelid)) as hit
    from me m
    join pg_catalog.pg_index i on i.indrelid = m.oid
)
select m.oid,
       pg_catalog.pg_stat_get_live_tuples(m.oid)::int8 as live,
       pg_catalog.pg_stat_get_dead_tuples(m.oid)::int8 as dead,
       pg_catalog.pg_stat_get_mod_since_analyze(m.oid)::int8 as mods,
       pg_catalog.pg_stat_get_ins_since_vacuum(m.oid)::int8 as inserts,
       pg_catalog.pg_stat_get_tuples_inserted(m.oid)::int8 as inserted,
       pg_catalog.pg_stat_get_tuples_updated(m.oid)::int8 as updated,
       pg_catalog.pg_stat_get_tuples_deleted(m.oid)::int8 as deleted,
       pg_catalog.pg_stat_get_tuples_hot_updated(m.oid)::int8 as hot_updated,
       pg_catalog.pg_stat_get_tuples_newpage_updated(m.oid)::int8 as newpage_updated,
       pg_catalog.pg_stat_get_numscans(m.oid)::int8 as seq_scans,
       extract(epoch from pg_catalog.pg_stat_get_lastscan(m.oid))::float8 as last_seq_scan,
       pg_catalog.pg_stat_get_tuples_returned(m.oid)::int8 as seq_read,
       (coalesce(x.rows, 0) + pg_catalog.pg_stat_get_tuples_fetched(m.oid))::int8 as index_fetched,
       x.scans::int8 as index_scans,
       extract(epoch from x.last)::float8 as last_index_scan,
       pg_catalog.pg_stat_get_blocks_fetched(m.oid)::int8 as heap_blocks,
       pg_catalog.pg_stat_get_blocks_hit(m.oid)::int8 as heap_hits,
       x.fetched::int8 as index_blocks,
       x.hit::int8 as index_hits,
       extract(epoch from pg_catalog.pg_stat_get_last_vacuum_time(m.oid))::float8 as last_vacuum,
       extract(epoch from pg_catalog.pg_stat_get_last_autovacuum_time(m.oid))::float8 as last_autovacuum,
       extract(epoch from pg_catalog.pg_stat_get_last_analyze_time(m.oid))::float8 as last_analyze,
       extract(epoch from pg_catalog.pg_stat_get_last_autoanalyze_time(m.oid))::float8 as last_autoanalyze,
       pg_catalog.pg_stat_get_vacuum_count(m.oid)::int8 as vacuums,
       pg_catalog.pg_stat_get_autovacuum_count(m.oid)::int8 as autovacuums,
       pg_catalog.pg_stat_get_analyze_count(m.oid)::int8 as analyzes,
       pg_catalog.pg_stat_get_autoanalyze_count(m.oid)::int8 as autoanalyzes,
       pg_catalog.pg_stat_get_total_vacuum_time(m.oid)::float8 as vacuum_ms,
       pg_catalog.pg_stat_get_total_autovacuum_time(m.oid)::float8 as autovacuum_ms,
       pg_catalog.pg_stat_get_total_analyze_time(m.oid)::float8 as analyze_ms,
       pg_catalog.pg_stat_get_total_autoanalyze_time(m.oid)::float8 as autoanalyze_ms,
       m.relallfrozen::int8 & 4294967295 as frozen_pages,
       extract(epoch from pg_catalog.pg_stat_get_db_stat_reset_time(d.oid))::float8 as stats_reset,
       (select pg_catalog.array_agg(n.name || '=' || pg_catalog.current_setting(n.name, true))
          from pg_catalog.unnest(array['autovacuum', 'track_counts', 'autovacuum_vacuum_threshold',
                                       'autovacuum_vacuum_scale_factor', 'autovacuum_vacuum_max_threshold',
                                       'autovacuum_vacuum_insert_threshold', 'autovacuum_vacuum_insert_scale_factor',
                                       'autovacuum_analyze_threshold', 'autovacuum_analyze_scale_factor']) n (name)
         where pg_catalog.current_setting(n.name, true) is not null) as settings,
       pg_catalog.pg_is_in_recovery() as in_recovery,
       extract(epoch from pg_catalog.clock_timestamp())::float8 as now
  from me m
  cross join indexed x
  left join pg_catalog.pg_database d on d.datname = pg_catalog.current_database()
