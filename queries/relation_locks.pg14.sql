with me as materialized (
  select c.oid, c.reltoastrelid
    from pg_catalog.pg_class c
   where c.oid = coalesce((select i.indrelid from pg_catalog.pg_index i where i.indexrelid = any ($1)),
                          ($1::pg_catalog.oid[])[1])
), mine as materialized (
  select m.oid, 'heap' as part
    from me m
  union all
  select m.reltoastrelid, 'toast'
    from me m
   where m.reltoastrelid <> 0
  union all
  select i.indexrelid, case when i.indrelid = m.oid then 'index' else 'toast' end
    from me m
    join pg_catalog.pg_index i on i.indrelid in (m.oid, m.reltoastrelid)
), found as materialized (
  select l.pid, l.locktype, l.mode, l.granted, l.page, l.tuple,
         pg_catalog.min(l.waitstart) as waitstart,
         pg_catalog.bool_or(m.part = 'heap') as heap,
         pg_catalog.bool_or(m.part = 'toast') as toast,
         pg_catalog.count(*) filter (where m.part = 'index') as indexes,
         pg_catalog.max(l.relation::int8) filter (where m.part = 'index') as index,
         pg_catalog.count(*) over () as total,
         pg_catalog.count(*) filter (where not l.granted) over () as awaited
    from pg_catalog.pg_locks l
    join mine m on m.oid = l.relation
   where l.mode <> 'SIReadLock'
     and l.database in (0, (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()))
     and (l.pid is null or l.pid <> all ($2))
   group by l.pid, l.virtualtransaction, l.locktype, l.mode, l.granted, l.page, l.tuple
   order by l.granted, l.mode <> 'AccessExclusiveLock', waitstart, l.pid
   limit $3
)
select f.pid,
       (extract(epoch from a.backend_start) * 1000000)::int8 as start_us,
       f.locktype,
       f.mode,
       f.granted,
       f.page,
       f.tuple::int4 as tuple,
       f.heap,
       f.toast,
       f.indexes::int8 as indexes,
       c.relname::text as index,
       extract(epoch from (select pg_catalog.clock_timestamp()) - f.waitstart)::float8 as wait_s,
       pg_catalog.pg_get_userbyid(a.usesysid)::text as usename,
       a.application_name,
       a.backend_type,
       a.state,
       extract(epoch from (select pg_catalog.clock_timestamp()) - a.xact_start)::float8 as xact_s,
       case when a.query = '<insufficient privilege>' then null
            when pg_catalog.getdatabaseencoding() in ('UTF8', 'SQL_ASCII', 'LATIN1')
            then pg_catalog.substr(pg_catalog.textsend(a.query), 1, $4)
            else pg_catalog.substr(pg_catalog.decode(pg_catalog.replace(a.query, E'\\', E'\\\\'), 'escape'), 1, $4)
       end as query,
       coalesce(a.query = '<insufficient privilege>', false) as hidden,
       f.total::int8 as total,
       f.awaited::int8 as awaited
  from me m
  left join found f on true
  left join pg_catalog.pg_class c on c.oid = f.index::pg_catalog.oid
  left join lateral (select s.backend_start, s.usesysid, s.application_name, s.backend_type, s.state,
                            s.xact_start, s.query
                       from pg_catalog.pg_stat_get_activity(f.pid) s
                      where f.pid is not null) a on true
 order by f.granted, f.mode <> 'AccessExclusiveLock', f.waitstart, f.pid
