with conflict (mode, against) as (
  values ('AccessShareLock', array['AccessExclusiveLock']),
         ('RowShareLock', array['ExclusiveLock', 'AccessExclusiveLock']),
         ('RowExclusiveLock', array['ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock']),
         ('ShareUpdateExclusiveLock', array['ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock',
                                            'ExclusiveLock', 'AccessExclusiveLock']),
         ('ShareLock', array['RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareRowExclusiveLock',
                             'ExclusiveLock', 'AccessExclusiveLock']),
         ('ShareRowExclusiveLock', array['RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock',
                                         'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock']),
         ('ExclusiveLock', array['RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock',
                                 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock']),
         ('AccessExclusiveLock', array['AccessShareLock', 'RowShareLock', 'RowExclusiveLock',
                                       'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock',
                                       'ExclusiveLock', 'AccessExclusiveLock'])
), lock as materialized (
  -- the lock table is copied once; everything below reads this copy
  select l.pid, l.virtualtransaction, l.mode, l.granted, null::timestamptz as waitstart,
         l.locktype, l.database, l.relation, l.page, l.tuple, l.virtualxid, l.transactionid,
         l.classid, l.objid, l.objsubid
    from pg_catalog.pg_locks l
   where l.mode <> 'SIReadLock'
), activity as materialized (
  select a.pid, null::int4 as leader_pid, a.backend_start, a.datname, a.usename, a.application_name, a.client_addr,
         a.backend_type, a.state, a.wait_event_type, a.wait_event, a.xact_start, a.query_start, a.state_change,
         a.query
    from pg_catalog.pg_stat_activity a
), waiting as materialized (
  select w.pid, w.mode, w.waitstart, pg_catalog.pg_blocking_pids(w.pid) as blockers,
         w.locktype, w.database, w.relation, w.page, w.tuple, w.virtualxid, w.transactionid,
         w.classid, w.objid, w.objsubid
    from (select l.pid, l.mode, l.waitstart, l.locktype, l.database, l.relation, l.page, l.tuple, l.virtualxid,
                 l.transactionid, l.classid, l.objid, l.objsubid
            from lock l
            left join activity a on a.pid = l.pid
           where not l.granted
             and l.pid is not null
           order by greatest(a.query_start, a.state_change) nulls last, l.pid
           limit $1) w
), wanted as materialized (
  select w.locktype, w.database, w.relation, w.page, w.tuple, w.virtualxid, w.transactionid,
         w.classid, w.objid, w.objsubid, pg_catalog.array_agg(w.mode) as modes
    from (select distinct x.locktype, x.database, x.relation, x.page, x.tuple, x.virtualxid, x.transactionid,
                 x.classid, x.objid, x.objsubid, x.mode
            from waiting x) w
   group by w.locktype, w.database, w.relation, w.page, w.tuple, w.virtualxid, w.transactionid,
            w.classid, w.objid, w.objsubid
), held as materialized (
  -- who holds what somebody waits for, in a mode that stands in the way
  select l.pid, l.virtualtransaction, l.mode, c.against,
         l.locktype, l.database, l.relation, l.page, l.tuple, l.virtualxid, l.transactionid,
         l.classid, l.objid, l.objsubid
    from wanted w
    join lock l
      on l.granted
     and l.locktype = w.locktype
     and coalesce(l.database, 0) = coalesce(w.database, 0)
     and coalesce(l.relation, 0) = coalesce(w.relation, 0)
     and coalesce(l.page, -1) = coalesce(w.page, -1)
     and coalesce(l.tuple, -1) = coalesce(w.tuple, -1)
     and coalesce(l.virtualxid, '') = coalesce(w.virtualxid, '')
     and coalesce(l.transactionid, '0') = coalesce(w.transactionid, '0')
     and coalesce(l.classid, 0) = coalesce(w.classid, 0)
     and coalesce(l.objid, 0) = coalesce(w.objid, 0)
     and coalesce(l.objsubid, -1) = coalesce(w.objsubid, -1)
    join conflict c
      on c.mode = l.mode
     and c.against && w.modes
), direct as materialized (
  select w.pid from waiting w
  union
  select h.pid from held h where h.pid is not null
), member as materialized (
  select d.pid from direct d
  union
  select a.leader_pid from activity a join direct d on d.pid = a.pid where a.leader_pid is not null
)
select m.pid,
       (extract(epoch from a.backend_start) * 1000000)::int8 as start_us,
       a.leader_pid,
       a.datname::text as datname,
       a.usename::text as usename,
       a.application_name,
       pg_catalog.host(a.client_addr) as client,
       a.backend_type,
       a.state,
       a.wait_event_type,
       a.wait_event,
       extract(epoch from (select pg_catalog.clock_timestamp()) - a.xact_start)::float8 as xact_s,
       extract(epoch from (select pg_catalog.clock_timestamp()) - a.query_start)::float8 as query_s,
       extract(epoch from (select pg_catalog.clock_timestamp()) - a.state_change)::float8 as state_s,
       case when a.query = '<insufficient privilege>' then null
            when pg_catalog.getdatabaseencoding() in ('UTF8', 'SQL_ASCII', 'LATIN1')
            then pg_catalog.substr(pg_catalog.textsend(a.query), 1, $2)
            else pg_catalog.substr(pg_catalog.decode(pg_catalog.replace(a.query, E'\\', E'\\\\'), 'escape'), 1, $2)
       end as query,
       coalesce(a.query = '<insufficient privilege>', false) as hidden,
       case when w.pid is not null then false end as granted,
       null::text as virtualtransaction,
       w.mode,
       null::text[] as against,
       w.blockers,
       extract(epoch from (select pg_catalog.clock_timestamp()) - w.waitstart)::float8 as wait_s,
       w.locktype,
       w.database,
       d.datname::text as lock_datname,
       w.relation,
       case when w.database in (0, here.oid) then w.relation::pg_catalog.regclass::text end as relation_name,
       w.page,
       w.tuple::int4 as tuple,
       w.virtualxid,
       w.transactionid::text as transactionid,
       w.classid,
       case when w.locktype = 'object' then w.classid::pg_catalog.regclass::text end as class_name,
       w.objid,
       w.objsubid::int4 as objsubid,
       row_lock.relation as row_relation,
       case when row_lock.database in (0, here.oid) then row_lock.relation::pg_catalog.regclass::text end
         as row_relation_name,
       row_lock.page as row_page,
       row_lock.tuple::int4 as row_tuple,
       (select pg_catalog.count(*) from lock l where not l.granted and l.pid is not null)::int4 as waiters
  from member m
  cross join (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()) here
  left join waiting w on w.pid = m.pid
  left join activity a on a.pid = m.pid
  left join pg_catalog.pg_database d on d.oid = w.database
  -- whoever waits for the transaction that changed a row holds the lock on that row's place in the queue
  left join lock row_lock
    on w.locktype = 'transactionid'
   and row_lock.pid = m.pid
   and row_lock.locktype = 'tuple'
   and row_lock.granted
union all
select coalesce(h.pid, 0), null, null, null, null, null, null, null, null, null, null, null, null, null, null,
       false, true, h.virtualtransaction, h.mode, h.against, null, null,
       h.locktype, h.database, null, h.relation, null, h.page, h.tuple::int4, h.virtualxid, h.transactionid::text,
       h.classid, null, h.objid, h.objsubid::int4, null, null, null, null, null
  from held h
