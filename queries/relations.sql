with pass as materialized (
  -- All of pg_class once, without a lock and without looking at a file. What is ranked is kept as one number, the rank
  -- above the oid: that is little to remember of each relation, and it sorts by itself. Pages go to 2^32: less 2^31
  -- they fit.
  select pg_catalog.count(*) filter (where c.relkind in ('r', 'm')) as relations,
         pg_catalog.array_agg((c.pages - 2147483648) << 32 | c.oid::int8) filter (where c.pages > 1) as sizes,
         pg_catalog.array_agg(least(c.modified, 2147483647) << 32 | c.oid::int8) filter (where c.modified > 0) as changes
    from (select c.oid, c.relkind,
                 -- Unsigned in truth: from 16 TiB on it looks negative.
                 c.relpages::int8 & 4294967295 as pages,
                 case when c.relkind in ('r', 'm') then pg_catalog.pg_stat_get_mod_since_analyze(c.oid) end as modified
            from pg_catalog.pg_class c
           where c.relkind in ('r', 'm', 't', 'i')
          offset 0) c
), top as materialized (
  -- The physically largest relations by the catalog ...
  select (s.key & 4294967295)::oid as oid, (s.key >> 32) + 2147483648 as relpages
    from (select pg_catalog.unnest(p.sizes) as key from pass p order by key desc limit 2000) s
), charged as materialized (
  -- ... an index charged to its table ...
  select coalesce(i.indrelid, t.oid) as oid, t.relpages
    from top t
    left join pg_catalog.pg_index i on i.indexrelid = t.oid
), owned as materialized (
  -- ... and a TOAST table to its owner, of which its name tells: there is no index on reltoastrelid.
  select coalesce(o.oid, h.oid) as oid, pg_catalog.sum(g.relpages)::int8 as pages
    from charged g
    join pg_catalog.pg_class h on h.oid = g.oid
    left join pg_catalog.pg_class o
      on o.oid = case when h.relkind = 't' then
                   pg_catalog.regexp_replace(h.relname::text, '^pg_toast_', '')::oid end
     and o.reltoastrelid = h.oid
     and o.relkind in ('r', 'm')
   group by 1
), candidate as materialized (
  (select o.oid, o.pages from owned o order by o.pages desc limit 2 * $1)
  union all
  -- relpages is as old as the last VACUUM or ANALYZE: what was just filled is found by its modifications since.
  (select (m.key & 4294967295)::oid, null::int8
     from (select pg_catalog.unnest(p.changes) as key from pass p order by key desc limit $1) m)
  union all
  select u.oid, null from pg_catalog.unnest($2) u (oid)
), named as materialized (
  select c.oid, c.relname, n.nspname, c.relkind, c.relispartition, c.reltoastrelid, c.relfilenode, c.reltuples,
         coalesce(k.pages, c.relpages::int8 & 4294967295) * b.block_size as estimate
    from (select d.oid, pg_catalog.max(d.pages) as pages from candidate d group by d.oid) k
    join pg_catalog.pg_class c on c.oid = k.oid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   cross join (select pg_catalog.current_setting('block_size')::int8 as block_size) b
), busy as materialized (
  -- The size functions wait behind an ACCESS EXCLUSIVE lock, and behind a request for one.
  select coalesce(i.indrelid, l.relation) as relation, l.pid, l.granted
    from pg_catalog.pg_locks l
    left join pg_catalog.pg_index i on i.indexrelid = l.relation
   where l.locktype = 'relation'
     and l.mode = 'AccessExclusiveLock'
     and l.database in (0, (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()))
), lockable as materialized (
  select k.*, b.relation is not null as locked, b.pid as lock_pid, b.granted as lock_granted
    from named k
    left join lateral (select y.relation, y.pid, y.granted
                         from busy y
                        where y.relation in (k.oid, k.reltoastrelid)
                        order by y.granted desc, y.pid
                        limit 1) b on true
), sized as materialized (
  select s.*,
         case when not s.locked then
           pg_catalog.pg_relation_size(s.oid, 'main') + pg_catalog.pg_relation_size(s.oid, 'fsm')
           + pg_catalog.pg_relation_size(s.oid, 'vm') + pg_catalog.pg_relation_size(s.oid, 'init') end as heap_bytes,
         case when not s.locked then pg_catalog.pg_indexes_size(s.oid) end as index_bytes,
         case when s.locked then null
              when s.reltoastrelid = 0 then 0
              else pg_catalog.pg_total_relation_size(s.reltoastrelid) end as toast_bytes
    from lockable s
), ranked as materialized (
  select z.*, z.heap_bytes + z.index_bytes + z.toast_bytes as total_bytes
    from sized z
   where coalesce(z.heap_bytes + z.index_bytes + z.toast_bytes, z.estimate) >= $3
      or not (z.nspname in ('pg_catalog', 'information_schema') or z.nspname like 'pg\_toast%')
   order by coalesce(z.heap_bytes + z.index_bytes + z.toast_bytes, z.estimate) desc, z.oid
   limit $1
)
select extract(epoch from pg_catalog.clock_timestamp())::float8 as epoch,
       f.database,
       f.relations,
       f.stats_reset,
       r.oid,
       r.nspname::text as nspname,
       r.relname::text as relname,
       r.relkind::text as relkind,
       p.nspname::text as parent_nspname,
       p.relname::text as parent_relname,
       r.relfilenode,
       r.estimate as estimated_bytes,
       r.heap_bytes,
       r.index_bytes,
       r.toast_bytes,
       r.locked,
       r.lock_pid,
       r.lock_granted,
       r.reltuples::float8 as reltuples,
       pg_catalog.pg_stat_get_live_tuples(r.oid) as live,
       pg_catalog.pg_stat_get_dead_tuples(r.oid) as dead,
       pg_catalog.pg_stat_get_mod_since_analyze(r.oid) as modified,
       pg_catalog.pg_stat_get_tuples_inserted(r.oid) as inserted,
       pg_catalog.pg_stat_get_tuples_updated(r.oid) as updated,
       pg_catalog.pg_stat_get_tuples_hot_updated(r.oid) as hot_updated,
       pg_catalog.pg_stat_get_tuples_deleted(r.oid) as deleted,
       pg_catalog.pg_stat_get_numscans(r.oid) as seq_scan,
       i.idx_scan,
       i.indexes,
       pg_catalog.pg_stat_get_blocks_fetched(r.oid) + i.fetched
         + coalesce(pg_catalog.pg_stat_get_blocks_fetched(r.reltoastrelid), 0) as blocks_fetched,
       pg_catalog.pg_stat_get_blocks_hit(r.oid) + i.hit
         + coalesce(pg_catalog.pg_stat_get_blocks_hit(r.reltoastrelid), 0) as blocks_hit,
       extract(epoch from greatest(pg_catalog.pg_stat_get_last_vacuum_time(r.oid),
                                   pg_catalog.pg_stat_get_last_autovacuum_time(r.oid)))::float8 as last_vacuum,
       extract(epoch from greatest(pg_catalog.pg_stat_get_last_analyze_time(r.oid),
                                   pg_catalog.pg_stat_get_last_autoanalyze_time(r.oid)))::float8 as last_analyze
  from (select d.oid as database,
               (select p.relations from pass p) as relations,
               extract(epoch from pg_catalog.pg_stat_get_db_stat_reset_time(d.oid))::float8 as stats_reset
          from pg_catalog.pg_database d
         where d.datname = pg_catalog.current_database()) f
  left join ranked r on true
  left join lateral (select pg_catalog.count(*) as indexes,
                            coalesce(pg_catalog.sum(pg_catalog.pg_stat_get_numscans(x.indexrelid)), 0)::int8 as idx_scan,
                            coalesce(pg_catalog.sum(pg_catalog.pg_stat_get_blocks_fetched(x.indexrelid)), 0)::int8 as fetched,
                            coalesce(pg_catalog.sum(pg_catalog.pg_stat_get_blocks_hit(x.indexrelid)), 0)::int8 as hit
                       from pg_catalog.pg_index x
                      where x.indrelid = r.oid) i on true
  left join lateral (select pn.nspname, pc.relname
                       from pg_catalog.pg_inherits h
                       join pg_catalog.pg_class pc on pc.oid = h.inhparent
                       join pg_catalog.pg_namespace pn on pn.oid = pc.relnamespace
                      where h.inhrelid = r.oid
                        and r.relispartition) p on true
 order by coalesce(r.total_bytes, r.estimate) desc, r.oid
