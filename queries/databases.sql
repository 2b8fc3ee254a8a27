select d.oid,
       d.datname::text as datname,
       case when pg_catalog.has_database_privilege(d.oid, 'CONNECT')
              or pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')
            then pg_catalog.pg_database_size(d.oid) end as bytes,
       d.datname = pg_catalog.current_database() as here
  from pg_catalog.pg_database d
 order by bytes desc nulls last, d.datname
