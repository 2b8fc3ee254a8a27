with me as materialized (
  select c.oid, c.relname, c.relkind, c.relrowsecurity, n.nspname
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.oid = coalesce((select i.indrelid from pg_catalog.pg_index i where i.indexrelid = any ($1)),
                          ($1::pg_catalog.oid[])[1])
), stats as materialized (
  -- a partitioned table has statistics of its partitions only
  select s.attname, s.null_frac, s.avg_width, s.n_distinct, s.correlation
    from me m
   cross join lateral (select v.attname, v.null_frac, v.avg_width, v.n_distinct, v.correlation, v.inherited
                         from pg_catalog.pg_stats v
                        where v.schemaname = m.nspname
                          and v.tablename = m.relname
                       offset 0) s
   where s.inherited = (m.relkind = 'p')
)
select a.attnum::int4 as attnum,
       a.attname::text as attname,
       pg_catalog.format_type(a.atttypid, a.atttypmod) as type,
       a.attnotnull as not_null,
       a.attgenerated = 'v' as computed,
       a.attlen::int4 as length,
       a.attalign::text as align,
       a.attstorage::text as storage,
       coalesce(a.attstattarget, -1)::int4 as target,
       pg_catalog.current_setting('default_statistics_target')::int4 as default_target,
       pg_catalog.has_column_privilege(m.oid, a.attnum, 'select')
         and not (m.relrowsecurity and pg_catalog.row_security_active(m.oid)) as readable,
       s.attname is not null as analyzed,
       s.null_frac::float8 as null_frac,
       s.avg_width::int4 as avg_width,
       s.n_distinct::float8 as n_distinct,
       s.correlation::float8 as correlation,
       (select pg_catalog.count(*)
          from pg_catalog.pg_attribute x
         where x.attrelid = m.oid
           and x.attnum > 0
           and x.attisdropped)::int4 as dropped
  from me m
  join pg_catalog.pg_attribute a on a.attrelid = m.oid and a.attnum > 0 and not a.attisdropped
  left join stats s on s.attname = a.attname
 order by a.attnum
