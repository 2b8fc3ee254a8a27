select coalesce(
           (select pg_catalog.substr(c.setting, pg_catalog.octet_length('search_path=') + 1)
              from pg_catalog.pg_db_role_setting s
             cross join lateral pg_catalog.unnest(s.setconfig) as c(setting)
             where s.setrole in (0, r.oid)
               and s.setdatabase::int8 in (0, $2)
               and pg_catalog.starts_with(c.setting, 'search_path=')
             order by (s.setrole <> 0)::int4 desc, (s.setdatabase <> 0)::int4 desc
             limit 1),
           '"$user", public') as search_path,
       r.rolname::text as usename,
       pg_catalog.quote_ident(r.rolname) as quoted,
       d.datname = pg_catalog.current_database() as here,
       $3::int4 as nth
  from pg_catalog.pg_roles r
  left join pg_catalog.pg_database d on d.oid::int8 = $2
 where r.oid::int8 = $1
