with s as materialized (
    select distinct on (p.queryid)
           p.queryid,
           pg_catalog.left(p.query, $2) as query,
           pg_catalog.octet_length(p.query)::int8 as bytes
      from "{schema}".pg_stat_statements(true) p
     where p.queryid = any ($1)
     order by p.queryid, p.calls desc)
select k.queryid, s.query, s.bytes
  from pg_catalog.unnest($1) as k(queryid)
  left join s on s.queryid = k.queryid
