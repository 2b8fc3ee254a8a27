select a.pid,
       a.datname::text as datname,
       a.usename::text as usename,
       a.application_name,
       pg_catalog.host(a.client_addr) as client,
       a.client_port,
       a.client_hostname,
       a.backend_type,
       a.state,
       a.wait_event_type,
       a.wait_event,
       extract(epoch from a.backend_start)::float8 as backend_start,
       extract(epoch from pg_catalog.clock_timestamp() - a.backend_start)::float8 as backend_s,
       extract(epoch from pg_catalog.clock_timestamp() - a.xact_start)::float8 as xact_s,
       extract(epoch from pg_catalog.clock_timestamp() - a.query_start)::float8 as query_s,
       extract(epoch from pg_catalog.clock_timestamp() - a.state_change)::float8 as state_s,
       extract(epoch from pg_catalog.clock_timestamp())::float8 as now,
       a.backend_xid::text as xid,
       pg_catalog.age(a.backend_xid)::int8 as xid_age,
       a.backend_xmin::text as xmin,
       pg_catalog.age(a.backend_xmin)::int8 as xmin_age,
       null::int4 as leader_pid,
       null::int4[] as workers,
       null::int8 as query_id,
       pg_catalog.pg_blocking_pids(a.pid) as blocked_by,
       case when a.query = '<insufficient privilege>' then null
            when pg_catalog.getdatabaseencoding() in ('UTF8', 'SQL_ASCII', 'LATIN1')
            then pg_catalog.textsend(a.query)
            else pg_catalog.decode(pg_catalog.replace(a.query, E'\\', E'\\\\'), 'escape')
       end as query,
       pg_catalog.octet_length(a.query)
         >= (select t.setting::int8 - 4 from pg_catalog.pg_settings t where t.name = 'track_activity_query_size') as cut,
       a.query = '<insufficient privilege>' as hidden,
       s.ssl,
       s.version as ssl_version,
       s.cipher as ssl_cipher,
       s.client_dn as ssl_client_dn,
       g.encrypted as gss_encrypted
  from pg_catalog.pg_stat_activity a
  left join pg_catalog.pg_stat_ssl s on s.pid = a.pid
  left join pg_catalog.pg_stat_gssapi g on g.pid = a.pid
 where a.pid = $1
   and coalesce((extract(epoch from a.backend_start) * 1000000)::int8, 0) = $2
