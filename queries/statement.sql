select c.key::text as name, c.value::text as value
  from "{schema}".pg_stat_statements(false) p
 cross join lateral (select pg_catalog.to_jsonb(p) as entry) j
 cross join lateral pg_catalog.jsonb_each_text(j.entry) c
 where p.userid::int8 = $1
   and p.dbid::int8 = $2
   and p.queryid = $3
   and coalesce((j.entry ->> 'toplevel')::bool, true) = ($4 = 1)
   and c.key not in ('userid', 'dbid', 'queryid', 'query', 'toplevel')
