with busy as materialized (
  -- held or queued on the index: the measurement would have to wait
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
    join pg_catalog.pg_am a on a.oid = c.relam
    join pg_catalog.pg_index i on i.indexrelid = c.oid
   where c.oid = any ($1)
     and c.relkind = 'i'
     and a.amname = 'btree'
     and i.indisvalid
     and not exists (select 1 from busy b)
)
select c.oid,
       i.indrelid as relation,
       (select b.pid from busy b) as lock_pid,
       exists (select 1 from busy b) as locked,
       coalesce((select b.granted from busy b), false) as lock_granted,
       m.index_size::int8 as bytes,
       m.internal_pages::int8 as internal_pages,
       m.leaf_pages::int8 as leaf_pages,
       m.empty_pages::int8 as empty_pages,
       m.deleted_pages::int8 as deleted_pages,
       nullif(m.avg_leaf_density, 'NaN')::float8 as density,
       nullif(m.leaf_fragmentation, 'NaN')::float8 as fragmentation,
       extract(epoch from pg_catalog.clock_timestamp())::float8 as measured
  from pg_catalog.pg_class c
  join pg_catalog.pg_index i on i.indexrelid = c.oid
  left join (target t cross join lateral "{schema}".pgstatindex(t.oid::pg_catalog.regclass) m) on t.oid = c.oid
 where c.oid = any ($1)
