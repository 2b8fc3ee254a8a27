with member as materialized (
select p.partrelid as oid, null::oid as parent, false as detaching
  from pg_catalog.pg_partitioned_table p
 where not exists (select from pg_catalog.pg_inherits i where i.inhrelid = p.partrelid)
union all
(select i.inhrelid, i.inhparent, i.inhdetachpending
  from pg_catalog.pg_partitioned_table p
  join pg_catalog.pg_inherits i on i.inhparent = p.partrelid
 limit $1)
)
select c.oid,
       n.nspname::text as nspname,
       c.relname::text as relname,
       c.relkind::text as relkind,
       m.parent,
       pg_catalog.pg_get_expr(c.relpartbound, 0)::text as bound,
       m.detaching,
       c.reltuples::float8 as reltuples,
       -- Unsigned in truth: from 16 TiB on it looks negative. -1 is that of a partitioned table (14+).
       case when c.relkind <> 'p' then c.relpages::int8 & 4294967295 else c.relpages::int8 end
         * pg_catalog.current_setting('block_size')::int8 as heap_bytes,
       pg_catalog.pg_stat_get_live_tuples(c.oid)::int8 as live,
       pg_catalog.pg_stat_get_tuples_inserted(c.oid)::int8 as inserted,
       extract(epoch from pg_catalog.pg_stat_get_last_autoanalyze_time(c.oid))::float8 as analyzed,
       p.partstrat::text as strategy,
       k.columns,
       k.types,
       k.classes,
       case
           when p.partexprs is not null
                and c.oid not in (select l.relation
                                    from pg_catalog.pg_locks l
                                   where l.locktype = 'relation'
                                     and l.mode = 'AccessExclusiveLock'
                                     and l.relation is not null)
           then pg_catalog.pg_get_partkeydef(c.oid)::text
       end as expression,
       case
           when c.relkind = 'p'
           then (select pg_catalog.count(*) from pg_catalog.pg_inherits i where i.inhparent = c.oid)::int8
       end as partitions,
       case when c.relkind = 'p' then pg_catalog.current_setting('log_timezone')::text end as zone,
       pg_catalog.pg_is_in_recovery() as recovering,
       extract(epoch from pg_catalog.clock_timestamp())::float8 as now
  from member m
  join pg_catalog.pg_class c on c.oid = m.oid and c.relpersistence <> 't'
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join pg_catalog.pg_partitioned_table p on p.partrelid = c.oid
  left join lateral (
       select pg_catalog.array_agg(coalesce(a.attname::text, '') order by u.nth) as columns,
              pg_catalog.array_agg(coalesce(pg_catalog.format_type(a.atttypid, a.atttypmod)::text, '')
                                   order by u.nth) as types,
              pg_catalog.array_agg(o.opcintype order by u.nth) as classes
         from pg_catalog.unnest(p.partattrs::int2[]) with ordinality u(attnum, nth)
         join pg_catalog.pg_opclass o on o.oid = p.partclass[u.nth - 1]
         left join pg_catalog.pg_attribute a on a.attrelid = p.partrelid and a.attnum = u.attnum and u.attnum > 0
       ) k on p.partrelid is not null
