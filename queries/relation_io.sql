select extract(epoch from pg_catalog.clock_timestamp())::float8 as epoch,
       extract(epoch from pg_catalog.pg_postmaster_start_time())::float8 as started,
       pg_catalog.pg_is_in_recovery() as in_recovery,
       (select extract(epoch from pg_catalog.pg_stat_get_db_stat_reset_time(d.oid))::float8
          from pg_catalog.pg_database d
         where d.datname = pg_catalog.current_database()) as stats_reset,
       coalesce(pg_catalog.sum(b.fetched) filter (where not b.is_index), 0)::int8 as table_fetched,
       coalesce(pg_catalog.sum(b.hit) filter (where not b.is_index), 0)::int8 as table_hit,
       coalesce(pg_catalog.sum(b.fetched) filter (where b.is_index), 0)::int8 as index_fetched,
       coalesce(pg_catalog.sum(b.hit) filter (where b.is_index), 0)::int8 as index_hit
  from (select c.relkind = 'i' as is_index,
               pg_catalog.pg_stat_get_blocks_fetched(c.oid) as fetched,
               pg_catalog.pg_stat_get_blocks_hit(c.oid) as hit
          from pg_catalog.pg_class c
         where c.relkind in ('r', 't', 'm', 'i')) b
