select extract(epoch from pg_catalog.clock_timestamp())::float8 as epoch,
       extract(epoch from pg_catalog.pg_postmaster_start_time())::float8 as started,
       pg_catalog.pg_is_in_recovery() as in_recovery,
       d.oid,
       d.datname::text as datname,
       d.datname = pg_catalog.current_database() as here,
       d.datallowconn as allows_connections,
       d.datconnlimit = -2 as invalid,
       d.datconnlimit as connection_limit,
       coalesce(pg_catalog.has_database_privilege(d.oid, 'CONNECT'), false) as may_connect,
       pg_catalog.age(d.datfrozenxid)::int8 as xid_age,
       s.numbackends as connections,
       extract(epoch from s.stats_reset)::float8 as stats_reset,
       s.xact_commit as commits,
       s.xact_rollback as rollbacks,
       s.blks_read as blocks_read,
       s.blks_hit as blocks_hit,
       s.temp_bytes,
       s.deadlocks
  from pg_catalog.pg_database d
  left join pg_catalog.pg_stat_database s on s.datid = d.oid
 order by d.datname
