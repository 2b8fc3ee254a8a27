with top as (
  select l.granted,
         l.locktype,
         l.mode,
         l.database,
         l.relation,
         case when pg_catalog.count(*) = 1 then pg_catalog.min(l.page) end as page,
         case when pg_catalog.count(*) = 1 then pg_catalog.min(l.tuple) end as tuple,
         l.virtualxid,
         l.transactionid::text as transactionid,
         l.classid,
         l.objid,
         l.objsubid,
         pg_catalog.count(*) as locks,
         pg_catalog.count(*) over () as groups,
         pg_catalog.sum(pg_catalog.count(*)) over () as total,
         extract(epoch from pg_catalog.clock_timestamp() - pg_catalog.min(l.waitstart))::float8 as wait_s,
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
   group by l.granted, l.locktype, l.mode, l.database, l.relation, l.virtualxid, l.transactionid::text,
            l.classid, l.objid, l.objsubid
   order by l.granted, l.locktype in ('virtualxid', 'transactionid'), strength desc, l.relation, l.objid
   limit $3
)
select t.granted,
       t.locktype,
       t.mode,
       t.strength,
       d.datname::text as datname,
       coalesce(t.database in (0, me.oid), true) as here,
       t.relation,
       case when t.database in (0, me.oid) then t.relation::pg_catalog.regclass::text end as relation_name,
       c.relkind::text as relkind,
       t.page,
       t.tuple::int4 as tuple,
       t.virtualxid,
       t.transactionid,
       case when t.locktype = 'object' then t.classid::pg_catalog.regclass::text end as class,
       t.classid,
       t.objid,
       t.objsubid::int4 as objsubid,
       t.locks,
       t.wait_s,
       t.groups,
       t.total::int8 as total
  from top t
  join pg_catalog.pg_database me on me.datname = pg_catalog.current_database()
  left join pg_catalog.pg_database d on d.oid = t.database
  left join pg_catalog.pg_class c on c.oid = t.relation and t.database in (0, me.oid)
 order by t.granted, t.locktype in ('virtualxid', 'transactionid'), t.strength desc,
          c.relkind in ('i', 'I'), relation_name, t.objid
