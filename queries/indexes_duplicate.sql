with pair as materialized (
  select a.indexrelid as oid,
         b.indexrelid as keeper,
         a.indnkeyatts = b.indnkeyatts as same_keys,
         -- Unsigned in truth: from 16 TiB on it looks negative.
         ca.relpages::int8 & 4294967295 as relpages,
         ca.relkind = 'I' as partitioned
    from pg_catalog.pg_index a
    -- By the index on indrelid, table by table: a hash of all of pg_index would not fit into work_mem.
   cross join lateral (
     select x.*
       from pg_catalog.pg_index x
      where x.indrelid = a.indrelid
        and x.indkey[0] = a.indkey[0]
        and x.indexrelid <> a.indexrelid
        and x.indnkeyatts >= a.indnkeyatts
        and x.indisvalid
        and x.indisready
        and x.indislive
     offset 0) b
    -- The pairs are few: no pass over pg_class for them.
   cross join lateral (select c.* from pg_catalog.pg_class c where c.oid = a.indexrelid offset 0) ca
   cross join lateral (
     select c.* from pg_catalog.pg_class c where c.oid = b.indexrelid and c.relam = ca.relam offset 0) cb
    join pg_catalog.pg_am m on m.oid = ca.relam
   where ca.relkind in ('i', 'I')
     and not ca.relispartition
     and a.indisvalid
     and a.indisready
     and a.indislive
     -- Nothing but its scans would be lost.
     and not (a.indisprimary or a.indisexclusion or a.indisreplident)
     and (not a.indisunique
          or (b.indisunique and b.indimmediate and a.indnkeyatts = b.indnkeyatts
              and coalesce((pg_catalog.to_jsonb(a) ->> 'indnullsnotdistinct')::bool, false)
                = coalesce((pg_catalog.to_jsonb(b) ->> 'indnullsnotdistinct')::bool, false)))
     -- The same leading keys, found and ordered in the same way. Only a btree is of use for a part of its keys.
     and (b.indkey::int2[])[0:a.indnkeyatts - 1] = (a.indkey::int2[])[0:a.indnkeyatts - 1]
     and (b.indclass::oid[])[0:a.indnkeyatts - 1] = (a.indclass::oid[])[0:a.indnkeyatts - 1]
     and (b.indcollation::oid[])[0:a.indnkeyatts - 1] = (a.indcollation::oid[])[0:a.indnkeyatts - 1]
     and (b.indoption::int2[])[0:a.indnkeyatts - 1] = (a.indoption::int2[])[0:a.indnkeyatts - 1]
     and (a.indnkeyatts = b.indnkeyatts or (m.amname = 'btree' and a.indexprs is null))
     -- INCLUDE: the other one has these columns too.
     and (b.indkey::int2[]) @> (a.indkey::int2[])[a.indnkeyatts:a.indnatts - 1]
     -- Expressions are compared as they are stored; up to 16 with the place in the statement that made them.
     and pg_catalog.regexp_replace(a.indpred::text, ':location -?[0-9]+', '', 'g')
         is not distinct from pg_catalog.regexp_replace(b.indpred::text, ':location -?[0-9]+', '', 'g')
     and (a.indexprs is null
          or pg_catalog.regexp_replace(a.indexprs::text, ':location -?[0-9]+', '', 'g')
             = pg_catalog.regexp_replace(b.indexprs::text, ':location -?[0-9]+', '', 'g'))
     and (m.amname = 'btree' or ca.reloptions is not distinct from cb.reloptions)
     and not exists (select
                       from pg_catalog.pg_attribute ka
                       join pg_catalog.pg_attribute kb on kb.attrelid = b.indexrelid and kb.attnum = ka.attnum
                      where ka.attrelid = a.indexrelid
                        and ka.attnum <= a.indnkeyatts
                        and ka.attoptions is distinct from kb.attoptions)
     -- Nor does a constraint rest on it: one of its table, or, as pg_depend knows, a foreign key of another. Both name
     -- b, so that they are asked of the few pairs that came so far.
     and not exists (select
                       from pg_catalog.pg_constraint s
                      where s.conrelid = b.indrelid
                        and s.conindid = a.indexrelid
                     offset 0)
     and not exists (select
                       from pg_catalog.pg_depend d
                      where d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                        and d.refobjid = a.indexrelid
                        and d.refobjid <> b.indexrelid
                        and d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
                     offset 0)
), reverse as (
  -- Two that can stand for each other: the older one stays. NOT IN is a hash also where the planner expects no pair
  -- and there is one in each of 100,000 tables.
  select p.*
    from pair p
   where p.oid > p.keeper
      or (p.keeper, p.oid) not in (select q.oid, q.keeper from pair q)
), single as materialized (
  -- One line each, with a keeper that is not itself to go.
  select distinct on (p.oid) p.*
    from reverse p
   where p.keeper not in (select q.oid from reverse q)
   order by p.oid, p.same_keys desc, p.keeper
), sized as materialized (
  select s.*,
         case when s.partitioned
              then (with recursive below (oid) as (
                      select s.oid
                      union all
                      select h.inhrelid from below b join pg_catalog.pg_inherits h on h.inhparent = b.oid)
                    select coalesce(pg_catalog.sum(x.relpages::int8 & 4294967295), 0)::int8
                      from below b
                     cross join lateral (
                       select pc.relpages from pg_catalog.pg_class pc where pc.oid = b.oid and pc.relkind = 'i' offset 0) x)
              else s.relpages
         end as pages
    from single s
), top as materialized (
  select z.* from sized z order by z.pages desc, z.oid limit $1
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
       r.*
  from (select pg_catalog.count(*) as indexes,
               (coalesce(pg_catalog.sum(z.pages), 0) * pg_catalog.current_setting('block_size')::int8)::int8 as estimated_total
          from sized z) f
  left join lateral (
    select k.oid,
           n.nspname::text as nspname,
           c.relname::text as relname,
           i.indrelid as table_oid,
           tn.nspname::text as table_nspname,
           t.relname::text as table_relname,
           a.amname::text as method,
           k.same_keys,
           k.keeper,
           kn.nspname::text as keeper_nspname,
           kc.relname::text as keeper_relname,
           ki.indisprimary as keeper_primary,
           ki.indisunique as keeper_unique,
           c.relkind = 'I' as partitioned,
           k.pages * pg_catalog.current_setting('block_size')::int8 as estimated_bytes,
           case when b.relation is null and c.relkind = 'i' then pg_catalog.pg_relation_size(k.oid) end as bytes,
           b.relation is not null as locked,
           b.pid as lock_pid,
           b.granted as lock_granted,
           scanned.scans,
           scanned.keeper_scans,
           array(select coalesce(ta.attname::text, '(expression)')
                   from pg_catalog.unnest(i.indkey::int2[]) with ordinality u (attnum, nth)
                   left join pg_catalog.pg_attribute ta on ta.attrelid = i.indrelid and ta.attnum = u.attnum and u.attnum > 0
                  where u.nth <= i.indnkeyatts
                  order by u.nth) as columns,
           array(select coalesce(ta.attname::text, '(expression)')
                   from pg_catalog.unnest(ki.indkey::int2[]) with ordinality u (attnum, nth)
                   left join pg_catalog.pg_attribute ta on ta.attrelid = ki.indrelid and ta.attnum = u.attnum and u.attnum > 0
                  where u.nth <= ki.indnkeyatts
                  order by u.nth) as keeper_columns
      from top k
      join pg_catalog.pg_class c on c.oid = k.oid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      join pg_catalog.pg_index i on i.indexrelid = k.oid
      join pg_catalog.pg_class t on t.oid = i.indrelid
      join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
      join pg_catalog.pg_am a on a.oid = c.relam
      join pg_catalog.pg_class kc on kc.oid = k.keeper
      join pg_catalog.pg_namespace kn on kn.oid = kc.relnamespace
      join pg_catalog.pg_index ki on ki.indexrelid = k.keeper
      left join busy b on b.relation = k.oid
      -- Scans of a partitioned index are counted in those of its partitions, however deep.
     cross join lateral (
       with recursive below (root, oid) as (
         select u.oid, u.oid from pg_catalog.unnest(array[k.oid, k.keeper]) u (oid)
         union all
         select w.root, h.inhrelid from below w join pg_catalog.pg_inherits h on h.inhparent = w.oid)
       select pg_catalog.sum(pg_catalog.pg_stat_get_numscans(w.oid)) filter (where w.root = k.oid)::int8 as scans,
              pg_catalog.sum(pg_catalog.pg_stat_get_numscans(w.oid)) filter (where w.root = k.keeper)::int8 as keeper_scans
         from below w) scanned) r on true
 order by coalesce(r.bytes, r.estimated_bytes) desc nulls last, r.oid
