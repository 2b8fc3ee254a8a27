with busy as materialized (
  -- held or queued on the heap: the measurement would have to wait
  select l.pid, l.granted
    from pg_catalog.pg_locks l
   where l.locktype = 'relation'
     and l.mode = 'AccessExclusiveLock'
     and l.relation = any ($1)
     and l.database in (0, (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()))
   order by l.granted desc, l.pid
   limit 1
), target as materialized (
  select c.oid
    from pg_catalog.pg_class c
   where c.oid = any ($1)
     and c.relkind in ('r', 'm', 't')
     and not exists (select 1 from busy b)
)
select c.oid,
       c.relkind::text as relkind,
       (select b.pid from busy b) as lock_pid,
       exists (select 1 from busy b) as locked,
       coalesce((select b.granted from busy b), false) as lock_granted,
       m.table_len::int8 as bytes,
       m.scanned_percent::float8 as scanned,
       m.approx_tuple_count::int8 as live,
       m.approx_tuple_len::int8 as live_bytes,
       m.approx_tuple_percent::float8 as live_share,
       m.dead_tuple_count::int8 as dead,
       m.dead_tuple_len::int8 as dead_bytes,
       m.dead_tuple_percent::float8 as dead_share,
       m.approx_free_space::int8 as free_bytes,
       m.approx_free_percent::float8 as free_share,
       extract(epoch from pg_catalog.clock_timestamp())::float8 as measured
  from pg_catalog.pg_class c
  left join (target t cross join lateral "{schema}".pgstattuple_approx(t.oid::pg_catalog.regclass) m) on t.oid = c.oid
 where c.oid = any ($1)
