select extract(epoch from pg_catalog.clock_timestamp())::float8 as epoch,
       pg_catalog.count(*) filter (where f.name like '%.ready') as waiting,
       pg_catalog.count(*) filter (where f.name like '%.done') as done,
       extract(epoch from pg_catalog.clock_timestamp()
                          - pg_catalog.min(f.modification) filter (where f.name like '%.ready'))::float8 as oldest_s
  from pg_catalog.pg_ls_archive_statusdir() f
