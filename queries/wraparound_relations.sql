with limits as materialized (
  select pg_catalog.current_setting('autovacuum_freeze_max_age')::int4 as xid,
         pg_catalog.current_setting('autovacuum_multixact_freeze_max_age')::int4 as mxid
), healthy as materialized (
  select least(l.xid, $3)::int4 as xid, least(l.mxid, $3)::int4 as mxid from limits l where $2 > 0
), oldest as materialized (
  select c.oid, c.relname, c.relkind, c.relpersistence, c.relnamespace, c.relpages, c.reloptions, c.relisshared,
         pg_catalog.age(c.relfrozenxid) as xid_age,
         case when c.relminmxid <> '0'::xid then pg_catalog.mxid_age(c.relminmxid) else 0 end as mxid_age
    from pg_catalog.pg_class c
   where c.relkind in ('r', 'm', 't')
     and c.relfrozenxid <> '0'::xid
     and (c.oid >= 16384
          or pg_catalog.age(c.relfrozenxid) >= coalesce((select h.xid from healthy h), 0)
          or c.relminmxid <> '0'::xid
             and pg_catalog.mxid_age(c.relminmxid) >= coalesce((select h.mxid from healthy h), 0))
   order by greatest(pg_catalog.age(c.relfrozenxid),
                     case when c.relminmxid <> '0'::xid then pg_catalog.mxid_age(c.relminmxid) else 0 end) desc,
            c.relpages desc, c.oid
   limit $1
)
select r.oid,
       n.nspname::text as nspname,
       r.relname::text as relname,
       r.relkind::text as relkind,
       r.relpersistence = 't' as temporary,
       r.relisshared as shared,
       o.oid as owner_oid,
       m.nspname::text as owner_nspname,
       o.relname::text as owner_relname,
       r.xid_age::int8 as xid_age,
       r.mxid_age::int8 as mxid_age,
       (r.relpages::int8 * pg_catalog.current_setting('block_size')::int8)::int8 as bytes,
       p.freeze_max_age as own_freeze_max_age,
       p.multixact_freeze_max_age as own_multixact_freeze_max_age,
       p.autovacuum as autovacuum,
       t.total,
       t.hidden,
       t.due,
       pg_catalog.current_setting('server_version_num')::int4 as version_num,
       l.xid::int8 as freeze_max_age,
       l.mxid::int8 as multixact_freeze_max_age,
       pg_catalog.current_setting('vacuum_failsafe_age', true)::int8 as failsafe_age,
       pg_catalog.current_setting('vacuum_multixact_failsafe_age', true)::int8 as multixact_failsafe_age
  from limits l
 cross join (
    select pg_catalog.count(*)::int8 as total,
           pg_catalog.count(*) filter (
             where c.oid < 16384
               and pg_catalog.age(c.relfrozenxid) < coalesce((select h.xid from healthy h), 0)
               and (c.relminmxid = '0'::xid
                    or pg_catalog.mxid_age(c.relminmxid) < coalesce((select h.mxid from healthy h), 0)))::int8
             as hidden,
           pg_catalog.count(*) filter (
             where pg_catalog.age(c.relfrozenxid) > (select l.xid from limits l)
                or c.relminmxid <> '0'::xid
                   and pg_catalog.mxid_age(c.relminmxid) > (select l.mxid from limits l))::int8
             as due
      from pg_catalog.pg_class c
     where c.relkind in ('r', 'm', 't')
       and c.relfrozenxid <> '0'::xid) t
  left join oldest r on true
  left join pg_catalog.pg_namespace n on n.oid = r.relnamespace
  left join pg_catalog.pg_class o
    on r.relkind = 't'
   and o.oid = nullif(pg_catalog.regexp_replace(r.relname::text, '^pg_toast_([0-9]+)$', '\1'), r.relname::text)::oid
   and o.reltoastrelid = r.oid
  left join pg_catalog.pg_namespace m on m.oid = o.relnamespace
  left join lateral (
    select pg_catalog.max(x.option_value)
             filter (where x.option_name = 'autovacuum_freeze_max_age')::int8 as freeze_max_age,
           pg_catalog.max(x.option_value)
             filter (where x.option_name = 'autovacuum_multixact_freeze_max_age')::int8 as multixact_freeze_max_age,
           pg_catalog.max(x.option_value)
             filter (where x.option_name = 'autovacuum_enabled')::bool as autovacuum
      from pg_catalog.pg_options_to_table(coalesce(r.reloptions, o.reloptions)) x) p on true
 order by greatest(r.xid_age, r.mxid_age) desc nulls last, r.relpages desc, r.oid
