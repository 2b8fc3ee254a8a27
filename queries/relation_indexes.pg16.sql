with me as materialized (
  select c.oid
    from pg_catalog.pg_class c
   where c.oid = coalesce((select i.indrelid from pg_catalog.pg_index i where i.indexrelid = any ($1)),
                          ($1::pg_catalog.oid[])[1])
), busy as materialized (
  -- held or queued: size and definition would have to wait
  select l.relation, pg_catalog.min(l.pid) as pid, pg_catalog.bool_or(l.granted) as granted
    from pg_catalog.pg_locks l
   where l.locktype = 'relation'
     and l.mode = 'AccessExclusiveLock'
     and l.database in (0, (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()))
     and (l.relation in (select m.oid from me m)
          or l.relation in (select i.indexrelid from me m join pg_catalog.pg_index i on i.indrelid = m.oid))
   group by l.relation
), mine as materialized (
  select i.indexrelid, i.indrelid, i.indisunique, i.indisprimary, i.indisexclusion, i.indisvalid, i.indisready, i.indislive,
         i.indisreplident, i.indisclustered, b.pid as lock_pid, b.granted as lock_granted,
         b.relation is not null as locked
    from me m
    join pg_catalog.pg_index i on i.indrelid = m.oid
    left join lateral (select x.pid, x.granted, x.relation
                         from busy x
                        where x.relation in (i.indexrelid, m.oid)
                        order by x.relation = m.oid desc
                        limit 1) b on true
), free as materialized (
  select m.indexrelid, c.relkind
    from mine m
    join pg_catalog.pg_class c on c.oid = m.indexrelid
   where not m.locked
), told as materialized (
  select f.indexrelid,
         case when f.relkind = 'i' then pg_catalog.pg_relation_size(f.indexrelid) end as bytes,
         pg_catalog.pg_get_indexdef(f.indexrelid) as definition
    from free f
)
select m.indexrelid as oid,
       n.nspname::text as nspname,
       c.relname::text as relname,
       c.relkind::text as relkind,
       am.amname::text as method,
       m.indisunique as is_unique,
       m.indisprimary as is_primary,
       m.indisexclusion as is_exclusion,
       m.indisvalid as is_valid,
       m.indisready as is_ready,
       m.indislive as is_live,
       m.indisreplident as is_replica_identity,
       m.indisclustered as is_clustered,
       (select k.conname::text
          from pg_catalog.pg_constraint k
         where k.conrelid = m.indrelid
           and k.conindid = m.indexrelid
           and k.contype in ('p', 'u', 'x')
         limit 1) as constraint_name,
       -- each key once: it is there again for every partition
       (with recursive climb (oid, up) as (
          select k.oid, k.conparentid
            from pg_catalog.pg_depend x
            join pg_catalog.pg_constraint k on k.oid = x.objid
           where x.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
             and x.refobjid = m.indexrelid
             and x.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
             and k.contype = 'f'
          union
          select o.oid, o.conparentid
            from climb c
            join pg_catalog.pg_constraint o on o.oid = c.up)
        select pg_catalog.count(*) from climb c where c.up = 0)::int8 as referenced_by,
       m.locked,
       m.lock_pid,
       coalesce(m.lock_granted, false) as lock_granted,
       t.bytes::int8 as bytes,
       t.definition,
       c.reloptions as options,
       -- Unsigned in truth: from 16 TiB on it looks negative. -1 is that of a partitioned index (14+).
       case when c.relkind = 'i' then c.relpages::int8 & 4294967295 else c.relpages::int8 end as pages,
       c.reltuples::float8 as tuples,
       pg_catalog.pg_stat_get_numscans(m.indexrelid)::int8 as scans,
       extract(epoch from pg_catalog.pg_stat_get_lastscan(m.indexrelid))::float8 as last_scan,
       pg_catalog.pg_stat_get_tuples_returned(m.indexrelid)::int8 as entries_read,
       pg_catalog.pg_stat_get_tuples_fetched(m.indexrelid)::int8 as rows_fetched,
       pg_catalog.pg_stat_get_blocks_fetched(m.indexrelid)::int8 as blocks,
       pg_catalog.pg_stat_get_blocks_hit(m.indexrelid)::int8 as hits,
       pg_catalog.current_setting('block_size')::int4 as block_size
  from mine m
  join pg_catalog.pg_class c on c.oid = m.indexrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join pg_catalog.pg_am am on am.oid = c.relam
  left join told t on t.indexrelid = m.indexrelid
 order by pages desc, c.relname
