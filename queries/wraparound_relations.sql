with limits as materialized (
  -- $2: what PostgreSQL brings itself is counted but not listed while it is younger than this.
  select l.xid, l.mxid,
         case when $2 > 0 then least(l.xid, $3) else 0 end::int4 as healthy_xid,
         case when $2 > 0 then least(l.mxid, $3) else 0 end::int4 as healthy_mxid
    from (select pg_catalog.current_setting('autovacuum_freeze_max_age')::int4 as xid,
                 pg_catalog.current_setting('autovacuum_multixact_freeze_max_age')::int4 as mxid) l
), pass as materialized (
  -- All of pg_class once; what is to be ranked is remembered by its oid and one number, the age above the pages.
  select pg_catalog.count(*)::int8 as total,
         pg_catalog.count(*) filter (where c.hidden)::int8 as hidden,
         pg_catalog.count(*) filter (
           where c.xid_age > (select l.xid from limits l) or c.mxid_age > (select l.mxid from limits l))::int8 as due,
         pg_catalog.array_agg(c.oid) filter (where not c.hidden) as oids,
         -- Pages are unsigned in truth: from 16 TiB on they look negative.
         pg_catalog.array_agg(greatest(c.xid_age, c.mxid_age)::int8 << 32 | (c.relpages::int8 & 4294967295))
           filter (where not c.hidden) as keys
    from (select a.oid, a.relpages, a.xid_age, a.mxid_age,
                 a.oid < 16384
                 and a.xid_age < (select l.healthy_xid from limits l)
                 and a.mxid_age < (select l.healthy_mxid from limits l) as hidden
            from (select c.oid, c.relpages, pg_catalog.age(c.relfrozenxid) as xid_age,
                         case when c.relminmxid <> '0'::xid then pg_catalog.mxid_age(c.relminmxid) else 0 end as mxid_age
                    from pg_catalog.pg_class c
                   where c.relkind in ('r', 'm', 't')
                     and c.relfrozenxid <> '0'::xid
                  offset 0) a) c
), oldest as materialized (
  select c.oid, c.relname, c.relkind, c.relpersistence, c.relnamespace, c.relpages, c.reloptions, c.relisshared,
         pg_catalog.age(c.relfrozenxid) as xid_age,
         case when c.relminmxid <> '0'::xid then pg_catalog.mxid_age(c.relminmxid) else 0 end as mxid_age
    from (select pg_catalog.unnest(p.oids) as oid, pg_catalog.unnest(p.keys) as key
            from pass p
           order by key desc, oid
           limit $1) k
    join pg_catalog.pg_class c on c.oid = k.oid
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
       ((r.relpages::int8 & 4294967295) * pg_catalog.current_setting('block_size')::int8)::int8 as bytes,
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
 cross join pass t
  left join oldest r on true
  left join pg_catalog.pg_namespace n on n.oid = r.relnamespace
  left join pg_catalog.pg_class o
    on o.oid = case when r.relkind = 't' then pg_catalog.regexp_replace(r.relname::text, '^pg_toast_', '')::oid end
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
 order by greatest(r.xid_age, r.mxid_age) desc nulls last, r.relpages::int8 & 4294967295 desc, r.oid
