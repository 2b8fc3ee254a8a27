with entry as materialized (
    select m.resp_calls,
           m.bucket_start_time
      from "{schema}".pg_stat_monitor m
     where m.userid::int8 = $1
       and m.dbid::int8 = $2
       and m.queryid = $3)
select "{schema}".get_histogram_timings() as bounds,
       (select pg_catalog.array_agg(t.calls order by t.nth)
          from (select c.nth,
                       pg_catalog.sum(c.calls::int8)::int8 as calls
                  from entry e
                 cross join lateral pg_catalog.unnest(e.resp_calls) with ordinality as c(calls, nth)
                 group by c.nth) t) as calls,
       (select extract(epoch from pg_catalog.min(e.bucket_start_time))::float8 from entry e) as since
