with recursive fk as materialized (
  select k.oid, k.conname, k.conrelid, k.confrelid, k.conkey, c.relkind,
         -- Unsigned in truth: from 16 TiB on it looks negative. A partitioned table has none of its own.
         case when c.relkind <> 'p' then c.relpages::int8 & 4294967295 else 0 end as relpages
    from pg_catalog.pg_constraint k
    join pg_catalog.pg_class c on c.oid = k.conrelid
   where k.contype = 'f'
     and k.conparentid = 0
     -- The leading keys of a whole index, in any order: what the check after a DELETE of the parent can use.
     and not exists (select
                       from pg_catalog.pg_index i
                       join pg_catalog.pg_class x on x.oid = i.indexrelid
                       join pg_catalog.pg_am m on m.oid = x.relam
                      where i.indrelid = k.conrelid
                        and i.indisvalid
                        and i.indislive
                        and i.indpred is null
                        and m.amname not in ('brin', 'gin')
                        and i.indnkeyatts >= pg_catalog.cardinality(k.conkey)
                        and (i.indkey::int2[])[0:pg_catalog.cardinality(k.conkey) - 1] @> k.conkey)
     -- One that is NOT ENFORCED (18) is not checked, and has no triggers; nor has one between two partitioned tables
     -- (12 to 14), whose partitions have them. Only of such a one is the whole row made into JSON: that takes time.
     and (exists (select from pg_catalog.pg_trigger g where g.tgconstraint = k.oid)
          or coalesce((pg_catalog.to_jsonb(k) ->> 'conenforced')::bool, true))
), below (root, oid, conrelid) as (
  -- The same key on the partitions, however deep; where the parent is partitioned, the table has others of its own.
  select k.oid, s.oid, s.conrelid
    from fk k
    join pg_catalog.pg_constraint s on s.conparentid = k.oid and s.conrelid <> k.conrelid
   where k.relkind = 'p'
  union all
  select b.root, s.oid, s.conrelid
    from below b
    join pg_catalog.pg_constraint s on s.conparentid = b.oid and s.conrelid <> b.conrelid
), part as materialized (
  -- Those that hold rows.
  select s.root as oid,
         pg_catalog.count(*) as parts,
         pg_catalog.sum(c.relpages::int8 & 4294967295)::int8 as relpages,
         pg_catalog.count(*) filter (where not exists (
           select
             from pg_catalog.pg_index i
             join pg_catalog.pg_class x on x.oid = i.indexrelid
             join pg_catalog.pg_am m on m.oid = x.relam
            where i.indrelid = s.conrelid
              and i.indisvalid
              and i.indislive
              and i.indpred is null
              and m.amname not in ('brin', 'gin')
              and i.indnkeyatts >= pg_catalog.cardinality(o.conkey)
              and (i.indkey::int2[])[0:pg_catalog.cardinality(o.conkey) - 1] @> o.conkey)) as bare
    from below s
    join pg_catalog.pg_constraint o on o.oid = s.oid
    join pg_catalog.pg_class c on c.oid = s.conrelid
   where c.relkind <> 'p'
   group by s.root
), leaf (root, relid) as (
  -- What is deleted and updated is counted where it lies.
  select r.confrelid, h.inhrelid
    from (select distinct k.confrelid
            from fk k
            join pg_catalog.pg_partitioned_table q on q.partrelid = k.confrelid) r
    join pg_catalog.pg_inherits h on h.inhparent = r.confrelid
  union all
  select l.root, h.inhrelid
    from leaf l
    join pg_catalog.pg_inherits h on h.inhparent = l.relid
), changed as materialized (
  select l.root as oid,
         pg_catalog.sum(pg_catalog.pg_stat_get_tuples_deleted(l.relid))::int8 as deleted,
         pg_catalog.sum(pg_catalog.pg_stat_get_tuples_updated(l.relid))::int8 as updated
    from leaf l
   group by l.root
), counted as materialized (
  select k.*,
         coalesce(p.relpages, k.relpages) as pages,
         coalesce(p.parts, 0) as parts,
         coalesce(p.bare, 0) as bare,
         case when q.relkind = 'p' then coalesce(g.deleted, 0)
              else pg_catalog.pg_stat_get_tuples_deleted(k.confrelid) end as parent_deleted,
         case when q.relkind = 'p' then coalesce(g.updated, 0)
              else pg_catalog.pg_stat_get_tuples_updated(k.confrelid) end as parent_updated,
         q.relname as parent_relname,
         q.relnamespace as parent_relnamespace
    from fk k
    join pg_catalog.pg_class q on q.oid = k.confrelid
    left join part p on p.oid = k.oid
    left join changed g on g.oid = k.confrelid
   -- Partitions may each have an index of their own.
   where k.relkind <> 'p' or coalesce(p.bare, 1) > 0
)
select f.keys,
       r.*
  from (select pg_catalog.count(*) as keys from counted o) f
  left join lateral (
    select k.oid,
           k.conname::text as conname,
           k.conrelid as table_oid,
           n.nspname::text as table_nspname,
           t.relname::text as table_relname,
           k.relkind = 'p' as partitioned,
           k.parts,
           k.bare,
           k.confrelid as parent_oid,
           pn.nspname::text as parent_nspname,
           k.parent_relname::text as parent_relname,
           array(select a.attname::text
                   from pg_catalog.unnest(k.conkey) with ordinality u (attnum, nth)
                   join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.attnum
                  order by u.nth) as columns,
           k.pages * pg_catalog.current_setting('block_size')::int8 as estimated_bytes,
           t.reltuples::float8 as reltuples,
           k.parent_deleted,
           k.parent_updated
      from counted k
      join pg_catalog.pg_class t on t.oid = k.conrelid
      join pg_catalog.pg_namespace n on n.oid = t.relnamespace
      join pg_catalog.pg_namespace pn on pn.oid = k.parent_relnamespace
     -- A check reads the whole child: once for every deleted parent.
     order by (k.pages + 1)::float8 * (k.parent_deleted + 1)::float8 desc, k.pages desc, k.oid
     limit $1) r on true
 order by (r.estimated_bytes + 1)::float8 * (r.parent_deleted + 1)::float8 desc nulls last, r.estimated_bytes desc, r.oid
