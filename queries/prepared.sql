select p.gid,
       p.transaction::text as xid,
       p.owner::text as owner,
       p.database::text as database,
       extract(epoch from (select pg_catalog.clock_timestamp()) - p.prepared)::float8 as age_s,
       own.virtualtransaction,
       pg_catalog.count(l.locktype)::int4 as locks
  from pg_catalog.pg_prepared_xacts p
  -- its locks are listed without a pid; the lock on its own transaction id tells under which virtual transaction
  join pg_catalog.pg_locks own
    on own.pid is null
   and own.locktype = 'transactionid'
   and own.transactionid = p.transaction
  left join pg_catalog.pg_locks l
    on l.pid is null
   and l.granted
   and l.virtualtransaction = own.virtualtransaction
 group by p.gid, p.transaction::text, p.owner, p.database, p.prepared, own.virtualtransaction
 order by p.prepared, p.gid
 limit $1
