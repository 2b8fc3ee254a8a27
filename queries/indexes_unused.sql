with recursive own as materialized (
  select n.oid from pg_catalog.pg_namespace n where n.nspname in ('pg_catalog', 'information_schema', 'pg_toast')
), plain as materialized (
  -- More than 64 KiB by the catalog: what is smaller saves nothing. Unsigned in truth: from 16 TiB on relpages looks
  -- negative.
  select c.oid, c.relpages::int8 & 4294967295 as relpages
    from pg_catalog.pg_class c
    join pg_catalog.pg_index i on i.indexrelid = c.oid
   where c.relkind = 'i'
     and (c.relpages > 8 or c.relpages < 0)
     and not c.relispartition
     and c.relnamespace <> all (array(select o.oid from own o))
     and not (i.indisunique or i.indisprimary or i.indisexclusion or i.indisreplident)
     and i.indisvalid
     and i.indisready
     and i.indislive
     and pg_catalog.pg_stat_get_numscans(c.oid) = 0
), branch as materialized (
  select h.inhparent as oid,
         pg_catalog.sum(c.relpages::int8 & 4294967295)::int8 as relpages,
         pg_catalog.count(*) as parts,
         pg_catalog.sum(pg_catalog.pg_stat_get_numscans(c.oid)) as scans
    from pg_catalog.pg_class c
    join pg_catalog.pg_index i on i.indexrelid = c.oid
    join pg_catalog.pg_inherits h on h.inhrelid = c.oid
   where c.relkind = 'i'
     and c.relispartition
     and c.relnamespace <> all (array(select o.oid from own o))
     and not (i.indisunique or i.indisprimary or i.indisexclusion or i.indisreplident)
     and i.indislive
   group by h.inhparent
), climb (oid, up) as (
  -- A partition may be partitioned: up to the index that no other is above.
  select b.oid, b.oid
    from branch b
  union all
  select l.oid, h.inhparent
    from climb l
    join pg_catalog.pg_inherits h on h.inhrelid = l.up
), partitioned as materialized (
  -- The indexes of partitions go only together, so they count together.
  select l.up as oid,
         pg_catalog.sum(b.relpages)::int8 as relpages,
         pg_catalog.sum(b.parts)::int8 as parts
    from climb l
    join branch b on b.oid = l.oid
   where not exists (select from pg_catalog.pg_inherits h where h.inhrelid = l.up)
   group by l.up
  having pg_catalog.sum(b.scans) = 0
     and pg_catalog.sum(b.relpages) > 8
), candidate as materialized (
  select u.*
    from (select p.oid, p.relpages, 0::int8 as parts from plain p
          union all
          select g.oid, g.relpages, g.parts from partitioned g) u
   order by u.relpages desc, u.oid
   limit $1
), busy as materialized (
  select l.relation, pg_catalog.min(l.pid) as pid, pg_catalog.bool_or(l.granted) as granted
    from pg_catalog.pg_locks l
   where l.locktype = 'relation'
     and l.mode = 'AccessExclusiveLock'
     and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
   group by l.relation
)
select f.indexes,
       f.estimated_total,
       f.counters_reset,
       f.server_reset,
       extract(epoch from pg_catalog.clock_timestamp())::float8 as epoch,
       r.*
  from (select (select pg_catalog.count(*) from plain p) + (select pg_catalog.count(*) from partitioned g) as indexes,
               ((select coalesce(pg_catalog.sum(p.relpages), 0) from plain p)
                + (select coalesce(pg_catalog.sum(g.relpages), 0) from partitioned g))::int8
               * pg_catalog.current_setting('block_size')::int8 as estimated_total,
               extract(epoch from pg_catalog.pg_stat_get_db_stat_reset_time(d.oid))::float8 as counters_reset,
               extract(epoch from pg_catalog.pg_stat_get_bgwriter_stat_reset_time())::float8 as server_reset
          from pg_catalog.pg_database d
         where d.datname = pg_catalog.current_database()) f
  left join lateral (
    select k.oid,
           n.nspname::text as nspname,
           c.relname::text as relname,
           i.indrelid as table_oid,
           tn.nspname::text as table_nspname,
           t.relname::text as table_relname,
           a.amname::text as method,
           k.parts,
           k.relpages * pg_catalog.current_setting('block_size')::int8 as estimated_bytes,
           case when b.relation is null and k.parts = 0 then pg_catalog.pg_relation_size(k.oid) end as bytes,
           b.relation is not null as locked,
           b.pid as lock_pid,
           b.granted as lock_granted,
           c.relispartition as attached,
           i.indexprs is not null as expression,
           i.indpred is not null as partial,
           i.indisclustered as clustered,
           exists (select
                     from pg_catalog.pg_constraint s
                    where s.contype = 'f'
                      and s.conrelid = i.indrelid
                      and i.indnkeyatts >= pg_catalog.cardinality(s.conkey)
                      and (i.indkey::int2[])[0:pg_catalog.cardinality(s.conkey) - 1] @> s.conkey) as foreign_key,
           case when k.parts = 0 then
             pg_catalog.pg_stat_get_tuples_inserted(i.indrelid) + pg_catalog.pg_stat_get_tuples_updated(i.indrelid)
             - pg_catalog.pg_stat_get_tuples_hot_updated(i.indrelid) end as writes
      from candidate k
      join pg_catalog.pg_class c on c.oid = k.oid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      join pg_catalog.pg_index i on i.indexrelid = k.oid
      join pg_catalog.pg_class t on t.oid = i.indrelid
      join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
      join pg_catalog.pg_am a on a.oid = c.relam
      left join busy b on b.relation = k.oid
     where not exists (select from pg_catalog.pg_constraint s
                        where s.conrelid = i.indrelid and s.conindid = k.oid)) r on true
 order by coalesce(r.bytes, r.estimated_bytes) desc nulls last, r.oid
