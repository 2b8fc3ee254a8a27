with me as materialized (
  select c.oid, h.inhparent
    from pg_catalog.pg_class c
    left join pg_catalog.pg_inherits h on h.inhrelid = c.oid
   where c.oid = coalesce((select i.indrelid from pg_catalog.pg_index i where i.indexrelid = any ($1)),
                          ($1::pg_catalog.oid[])[1])
   order by h.inhseqno
   limit 1
), parent as materialized (
  -- the children of a parent, or the siblings of a child that has none
  select case when exists (select 1 from pg_catalog.pg_inherits h where h.inhparent = m.oid) then m.oid
              else m.inhparent
         end as oid
    from me m
), ranked as materialized (
  -- only names are ranked; everything else is read of the few that are shown
  select c.oid,
         pg_catalog.row_number() over (order by c.relname, c.oid) as nth,
         pg_catalog.count(*) over () as total
    from parent p
    join pg_catalog.pg_inherits h on h.inhparent = p.oid
   -- one look-up each instead of a pass over pg_class
   cross join lateral (select k.oid, k.relname
                         from pg_catalog.pg_class k
                        where k.oid = h.inhrelid
                       offset 0) c
), mid as materialized (
  select coalesce((select r.nth from me m join ranked r on r.oid = m.oid), 1) as nth
), near as materialized (
  select r.oid, r.nth, r.total
    from ranked r
   cross join mid
   where r.nth between greatest(1, least(mid.nth - $2 / 2, r.total - $2 + 1)) and greatest($2, mid.nth + $2 / 2)
   order by r.nth
   limit $2
)
select r.oid,
       n.nspname::text as nspname,
       c.relname::text as relname,
       c.relkind::text as relkind,
       pg_catalog.pg_get_expr(c.relpartbound, 0) as bound,
       false as detaching,
       -- Unsigned in truth: from 16 TiB on it looks negative. -1 is that of a partitioned table (14+).
       case when c.relkind <> 'p' then c.relpages::int8 & 4294967295 else c.relpages::int8 end
         * pg_catalog.current_setting('block_size')::int8 as heap_bytes,
       c.reltuples::float8 as tuples,
       r.oid in (select m.oid from me m) as is_me,
       (select p.oid in (select m.oid from me m) from parent p) as of_me,
       r.nth::int8 as nth,
       r.total::int8 as total
  from near r
  join pg_catalog.pg_class c on c.oid = r.oid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 order by r.nth
