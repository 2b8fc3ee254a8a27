with building as materialized (
  -- What others do is hidden from a plain role but for pid and database; their locks are not.
  select p.pid,
         p.relid,
         nullif(p.index_relid, 0) as index_relid,
         p.command,
         p.phase,
         case when p.blocks_total > 0 then 100.0 * p.blocks_done / p.blocks_total end::float8 as blocks_percent,
         p.relid is null as hidden
    from pg_catalog.pg_stat_progress_create_index p
   where p.datid = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
), held as materialized (
  select l.relation, l.pid
    from pg_catalog.pg_locks l
   where l.locktype = 'relation'
     and l.granted
     and l.mode in ('ShareUpdateExclusiveLock', 'AccessExclusiveLock')
     and l.pid in (select b.pid from building b)
)
select i.indexrelid as oid,
       n.nspname::text as nspname,
       c.relname::text as relname,
       i.indrelid as table_oid,
       tn.nspname::text as table_nspname,
       t.relname::text as table_relname,
       c.relkind = 'I' as partitioned,
       c.relispartition as attached,
       i.indisunique as is_unique,
       i.indisvalid as is_valid,
       i.indisready as is_ready,
       i.indislive as is_live,
       exists (select
                 from pg_catalog.pg_constraint s
                where s.conrelid = i.indrelid
                  and s.conindid = i.indexrelid) as of_constraint,
       -- Unsigned in truth: from 16 TiB on it looks negative. -1 is that of a partitioned index (14+).
       case when c.relkind = 'i' then c.relpages::int8 & 4294967295 else c.relpages::int8 end
         * pg_catalog.current_setting('block_size')::int8 as estimated_bytes,
       b.pid as build_pid,
       b.command as build_command,
       b.phase as build_phase,
       b.blocks_percent as build_percent,
       pg_catalog.pg_is_in_recovery() as in_recovery
  from pg_catalog.pg_index i
  join pg_catalog.pg_class c on c.oid = i.indexrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_class t on t.oid = i.indrelid
  join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
  left join lateral (
    select y.*
      from building y
     where y.index_relid = i.indexrelid
        or (exists (select from held h where h.pid = y.pid and h.relation = i.indrelid)
            -- REINDEX makes all new indexes of a table first and tells of one at a time, and at its very start of none.
            and (y.hidden or (coalesce(y.command, 'REINDEX') like 'REINDEX%' and c.relname ~ '_cc(new|old)[0-9]*$')))
     order by y.index_relid = i.indexrelid desc nulls last, y.pid
     limit 1) b on true
 where not (i.indisvalid and i.indisready and i.indislive)
 order by estimated_bytes desc, i.indexrelid
 limit $1
