with top as (
  select l.granted, l.locktype, l.mode, l.database, l.relation, l.page, l.tuple, l.virtualxid,
         l.transactionid, l.classid, l.objid, l.objsubid, l.waitstart,
         pg_catalog.count(*) over () as total,
         pg_catalog.count(*) filter (where not l.granted) over () as awaited,
         case l.mode
           when 'AccessExclusiveLock' then 8
           when 'ExclusiveLock' then 7
           when 'ShareRowExclusiveLock' then 6
           when 'ShareLock' then 5
           when 'ShareUpdateExclusiveLock' then 4
           when 'RowExclusiveLock' then 3
           when 'RowShareLock' then 2
           else 1
         end as strength
    from pg_catalog.pg_locks l
   where l.pid = $1
     and $2 = (select coalesce((extract(epoch from s.backend_start) * 1000000)::int8, 0)
                 from pg_catalog.pg_stat_get_activity($1) s)
   order by l.granted, l.locktype in ('virtualxid', 'transactionid'), strength desc, l.relation, l.objid
   limit $3
)
select t.granted,
       t.locktype,
       t.mode,
       t.strength,
       t.database,
       d.datname::text as lock_datname,
       t.relation,
       case when t.database in (0, me.oid) then t.relation::pg_catalog.regclass::text end as relation_name,
       t.page,
       t.tuple::int4 as tuple,
       t.virtualxid,
       t.transactionid::text as transactionid,
       t.classid,
       case when t.locktype = 'object' then t.classid::pg_catalog.regclass::text end as class_name,
       t.objid,
       t.objsubid::int4 as objsubid,
       extract(epoch from (select pg_catalog.clock_timestamp()) - t.waitstart)::float8 as wait_s,
       t.total,
       t.awaited
  from top t
  join pg_catalog.pg_database me on me.datname = pg_catalog.current_database()
  left join pg_catalog.pg_database d on d.oid = t.database
  left join pg_catalog.pg_class c on c.oid = t.relation and t.database in (0, me.oid)
 order by t.granted, t.locktype in ('virtualxid', 'transactionid'), t.strength desc,
          c.relkind in ('i', 'I'), relation_name, t.objid
