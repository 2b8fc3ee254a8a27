select a.pid,
       (extract(epoch from a.backend_start) * 1000000)::int8 as start_us,
       a.leader_pid as leader_pid,
       a.datname::text as datname,
       a.usename::text as usename,
       a.application_name,
       pg_catalog.host(a.client_addr) as client,
       a.backend_type,
       a.state,
       a.wait_event_type,
       a.wait_event,
       extract(epoch from (select pg_catalog.clock_timestamp()) - a.backend_start)::float8 as backend_s,
       extract(epoch from (select pg_catalog.clock_timestamp()) - a.xact_start)::float8 as xact_s,
       extract(epoch from (select pg_catalog.clock_timestamp()) - a.query_start)::float8 as query_s,
       extract(epoch from (select pg_catalog.clock_timestamp()) - a.state_change)::float8 as state_s,
       pg_catalog.age(a.backend_xid)::int8 as xid_age,
       pg_catalog.age(a.backend_xmin)::int8 as xmin_age,
       a.query_id as query_id,
       case when a.query = '<insufficient privilege>' then null
            when pg_catalog.getdatabaseencoding() in ('UTF8', 'SQL_ASCII', 'LATIN1')
            then pg_catalog.substr(pg_catalog.textsend(a.query), 1, $1)
            else pg_catalog.substr(pg_catalog.decode(pg_catalog.replace(a.query, E'\\', E'\\\\'), 'escape'), 1, $1)
       end as query,
       a.query = '<insufficient privilege>' as hidden
  from pg_catalog.pg_stat_activity a
 where a.pid <> pg_catalog.pg_backend_pid()
   and a.pid <> all ($2)
