with me as materialized (
  select c.oid, c.relname, c.relnamespace, c.relkind, c.relowner, c.relpersistence, c.reltablespace, c.relam,
         c.relpages, c.reltuples, c.relallvisible, c.reltoastrelid, c.reloptions, c.relispartition, c.relpartbound,
         c.relfrozenxid, c.relminmxid, c.relhassubclass, c.relreplident, c.relrowsecurity
    from pg_catalog.pg_class c
   where c.oid = coalesce((select i.indrelid from pg_catalog.pg_index i where i.indexrelid = any ($1)),
                          ($1::pg_catalog.oid[])[1])
), mine as materialized (
  select m.oid from me m
  union all
  select m.reltoastrelid from me m where m.reltoastrelid <> 0
  union all
  select i.indexrelid from me m join pg_catalog.pg_index i on i.indrelid in (m.oid, m.reltoastrelid)
), busy as materialized (
  -- held or queued: in both cases a size would have to wait
  select l.pid, l.granted
    from pg_catalog.pg_locks l
   where l.locktype = 'relation'
     and l.mode = 'AccessExclusiveLock'
     and l.relation in (select m.oid from mine m)
     and l.database in (0, (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()))
   order by l.granted desc, l.pid
   limit 1
), keyed as materialized (
  select t.partrelid, t.partstrat,
         -- Its text would have to wait as well; the columns do not. Without it there are no collations and operator
         -- classes, and the text says so.
         case when exists (select
                             from pg_catalog.pg_locks l
                            where l.locktype = 'relation'
                              and l.mode = 'AccessExclusiveLock'
                              and l.relation = t.partrelid
                              and l.database = (select d.oid
                                                  from pg_catalog.pg_database d
                                                 where d.datname = pg_catalog.current_database()))
              then case t.partstrat when 'r' then 'RANGE' when 'l' then 'LIST' else 'HASH' end || ' ('
                   || (select pg_catalog.string_agg(
                                coalesce(pg_catalog.quote_ident(a.attname), 'an expression'), ', ' order by u.nth)
                         from pg_catalog.unnest(t.partattrs::int2[]) with ordinality u (attnum, nth)
                         left join pg_catalog.pg_attribute a
                                on a.attrelid = t.partrelid and a.attnum = u.attnum and u.attnum > 0)
                   || '; columns only, while somebody holds or wants ACCESS EXCLUSIVE)'
              else pg_catalog.pg_get_partkeydef(t.partrelid) end as key
    from pg_catalog.pg_partitioned_table t
   where t.partrelid in (select m.oid from me m
                         union all
                         select h.inhparent from me m join pg_catalog.pg_inherits h on h.inhrelid = m.oid)
), free as materialized (
  select m.oid, m.reltoastrelid
    from me m
   where m.relkind in ('r', 'm', 't', 'i', 'S')
     and not exists (select 1 from busy b)
), sized as materialized (
  select pg_catalog.pg_relation_size(f.oid) as heap,
         pg_catalog.pg_relation_size(f.oid, 'fsm') + pg_catalog.pg_relation_size(f.oid, 'vm') as maps,
         case when f.reltoastrelid <> 0 then pg_catalog.pg_total_relation_size(f.reltoastrelid) else 0 end as toast,
         pg_catalog.pg_indexes_size(f.oid) as indexes
    from free f
), indexed as materialized (
  select pg_catalog.count(*) as indexes, coalesce(pg_catalog.sum(c.relpages::int8 & 4294967295) filter (where c.relkind = 'i'), 0) as pages
    from me m
    join pg_catalog.pg_index i on i.indrelid = m.oid
    join pg_catalog.pg_class c on c.oid = i.indexrelid
)
select m.oid,
       n.nspname::text as nspname,
       m.relname::text as relname,
       m.relkind::text as relkind,
       m.relpersistence::text as relpersistence,
       pg_catalog.pg_get_userbyid(m.relowner)::text as owner,
       coalesce(s.spcname, ds.spcname)::text as tablespace,
       am.amname::text as access_method,
       m.relreplident::text as replica_identity,
       m.relrowsecurity as row_security,
       m.reloptions as options,
       m.relispartition as is_partition,
       p.oid as parent,
       pn.nspname::text as parent_nspname,
       p.relname::text as parent_relname,
       pt.partstrat::text as parent_strategy,
       pt.key as parent_key,
       pg_catalog.pg_get_expr(m.relpartbound, 0) as bound,
       own.partstrat::text as strategy,
       own.key as key,
       (select pg_catalog.count(*) from pg_catalog.pg_inherits h where h.inhparent = m.oid)::int8 as children,
       (select pg_catalog.count(*) from pg_catalog.pg_inherits h where h.inhparent = p.oid)::int8 as siblings,
       o.oid as toast_of,
       o.on_nspname as toast_of_nspname,
       o.relname as toast_of_relname,
       o.reloptions as toast_of_options,
       t.oid as toast,
       t.relname::text as toast_relname,
       t.reloptions as toast_options,
       t.relpages::int8 & 4294967295 as toast_pages,
       t.relallvisible::int8 & 4294967295 as toast_visible_pages,
       (select b.pid from busy b) as lock_pid,
       exists (select 1 from busy b) as locked,
       coalesce((select b.granted from busy b), false) as lock_granted,
       z.heap::int8 as heap_bytes,
       z.maps::int8 as maps_bytes,
       z.toast::int8 as toast_bytes,
       z.indexes::int8 as index_bytes,
       x.indexes::int8 as indexes,
       x.pages::int8 as index_pages,
       -- Unsigned in truth: from 16 TiB on it looks negative. -1 is that of a partitioned table (14+).
       case when m.relkind <> 'p' then m.relpages::int8 & 4294967295 else m.relpages::int8 end as pages,
       m.reltuples::float8 as tuples,
       m.relallvisible::int8 & 4294967295 as visible_pages,
       pg_catalog.current_setting('block_size')::int4 as block_size,
       case when m.relfrozenxid <> '0'::pg_catalog.xid then pg_catalog.age(m.relfrozenxid) end::int8 as xid_age,
       case when m.relminmxid <> '0'::pg_catalog.xid then pg_catalog.mxid_age(m.relminmxid) end::int8 as mxid_age,
       case when t.relfrozenxid <> '0'::pg_catalog.xid then pg_catalog.age(t.relfrozenxid) end::int8 as toast_xid_age,
       case when t.relminmxid <> '0'::pg_catalog.xid then pg_catalog.mxid_age(t.relminmxid) end::int8 as toast_mxid_age,
       extract(epoch from pg_catalog.clock_timestamp())::float8 as now
  from me m
  join pg_catalog.pg_namespace n on n.oid = m.relnamespace
  cross join indexed x
  left join sized z on true
  left join pg_catalog.pg_database d on d.datname = pg_catalog.current_database()
  left join pg_catalog.pg_tablespace s on s.oid = m.reltablespace
  left join pg_catalog.pg_tablespace ds on ds.oid = d.dattablespace
  left join pg_catalog.pg_am am on am.oid = m.relam
  left join pg_catalog.pg_class t on t.oid = m.reltoastrelid
  left join lateral (select h.inhparent from pg_catalog.pg_inherits h where h.inhrelid = m.oid order by h.inhseqno limit 1) i
         on true
  left join pg_catalog.pg_class p on p.oid = i.inhparent
  left join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
  left join keyed pt on pt.partrelid = p.oid
  left join keyed own on own.partrelid = m.oid
  left join lateral (select w.oid, w.relname::text as relname, w.reloptions, wn.nspname::text as on_nspname
                       from pg_catalog.pg_depend x
                       join pg_catalog.pg_class w on w.oid = x.refobjid and w.reltoastrelid = m.oid
                       join pg_catalog.pg_namespace wn on wn.oid = w.relnamespace
                      where m.relkind = 't'
                        and x.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                        and x.objid = m.oid
                        and x.objsubid = 0
                        and x.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass) o on true
