with recursive setting as materialized (
  select pg_catalog.current_setting('autovacuum')::bool and pg_catalog.current_setting('track_counts')::bool as active,
         pg_catalog.current_setting('autovacuum_max_workers')::int4 as max_workers,
         pg_catalog.current_setting('autovacuum_worker_slots')::int4 as worker_slots,
         extract(epoch from pg_catalog.current_setting('autovacuum_naptime')::interval)::float8 as naptime_s,
         coalesce(nullif(pg_catalog.current_setting('autovacuum_vacuum_cost_limit'), '-1'),
                  pg_catalog.current_setting('vacuum_cost_limit'))::int4 as cost_limit,
         extract(epoch from coalesce(nullif(pg_catalog.current_setting('autovacuum_vacuum_cost_delay'), '-1'),
                                     pg_catalog.current_setting('vacuum_cost_delay'))::interval)::float8 * 1000 as cost_delay_ms,
         pg_catalog.current_setting('autovacuum_vacuum_threshold')::float8 as vacuum_base,
         pg_catalog.current_setting('autovacuum_vacuum_scale_factor')::float8 as vacuum_scale,
         pg_catalog.current_setting('autovacuum_vacuum_max_threshold')::float8 as vacuum_max,
         pg_catalog.current_setting('autovacuum_vacuum_insert_threshold')::float8 as insert_base,
         pg_catalog.current_setting('autovacuum_vacuum_insert_scale_factor')::float8 as insert_scale,
         pg_catalog.current_setting('autovacuum_analyze_threshold')::float8 as analyze_base,
         pg_catalog.current_setting('autovacuum_analyze_scale_factor')::float8 as analyze_scale
), optioned as materialized (
  select c.oid, c.relkind, c.reltoastrelid, c.reloptions
    from pg_catalog.pg_class c
   where c.reloptions is not null
     and c.relkind in ('r', 'm', 't')
), option as materialized (
  -- the few tables that have options: those in force for each
  select o.relid,
         pg_catalog.max(case when p.option_name = 'autovacuum_enabled' then p.option_value end)::bool as enabled,
         pg_catalog.max(case when p.option_name = 'autovacuum_vacuum_threshold' then p.option_value end)::float8
           as vacuum_base,
         pg_catalog.max(case when p.option_name = 'autovacuum_vacuum_scale_factor' then p.option_value end)::float8
           as vacuum_scale,
         pg_catalog.max(case when p.option_name = 'autovacuum_vacuum_max_threshold' then p.option_value end)::float8
           as vacuum_max,
         pg_catalog.max(case when p.option_name = 'autovacuum_vacuum_insert_threshold' then p.option_value end)::float8
           as insert_base,
         pg_catalog.max(case when p.option_name = 'autovacuum_vacuum_insert_scale_factor' then p.option_value end)::float8
           as insert_scale,
         pg_catalog.max(case when p.option_name = 'autovacuum_analyze_threshold' then p.option_value end)::float8
           as analyze_base,
         pg_catalog.max(case when p.option_name = 'autovacuum_analyze_scale_factor' then p.option_value end)::float8
           as analyze_scale
    from (select c.oid as relid, c.reloptions
            from optioned c
          union all
          -- a TOAST table without options of its own follows those of its table
          select t.oid, c.reloptions
            from optioned c
            join pg_catalog.pg_class t on t.oid = c.reltoastrelid and t.reloptions is null) o
   cross join lateral pg_catalog.pg_options_to_table(o.reloptions) p
   group by o.relid
), counted as materialized (
  -- one pass over all tables; only what comes near a threshold is remembered, by oid and ratio
  select pg_catalog.count(*) as tables,
         pg_catalog.sum(r.dead) as dead_all,
         pg_catalog.sum(r.dead) filter (where r.catalog) as dead_catalog,
         pg_catalog.count(*) filter (where r.dead > r.vacuum_at) as over_vacuum,
         pg_catalog.count(*) filter (where r.inserted > r.insert_at) as over_insert,
         pg_catalog.count(*) filter (where r.modified > r.analyze_at) as over_analyze,
         pg_catalog.count(*) filter (where r.ratio > 1) as over_any,
         pg_catalog.count(*) filter (where r.ratio > 1 and not r.enabled) as over_disabled,
         pg_catalog.array_agg(r.oid) filter (where r.ratio >= 0.1) as oids,
         pg_catalog.array_agg(r.ratio) filter (where r.ratio >= 0.1) as ratios,
         -- the count above the oid: one number that sorts by itself
         pg_catalog.array_agg(least(r.dead, 2147483647) << 32 | r.oid::int8) filter (where r.dead >= 1000) as backlogs,
         pg_catalog.array_agg(least(r.modified, 2147483647) << 32 | r.oid::int8) filter (where r.modified > 0) as changes
    from (select n.oid, n.catalog, n.enabled, n.dead, n.inserted, n.modified, n.vacuum_at, n.insert_at, n.analyze_at,
                 -- above 1 exactly when the count is above the threshold, which may be 0
                 greatest(n.dead / greatest(n.vacuum_at, 0.5),
                          -- without a threshold inserts alone start nothing
                          case when n.insert_at is not null then n.inserted / greatest(n.insert_at, 0.5) end,
                          n.modified / greatest(n.analyze_at, 0.5), 0) as ratio
            from (select c.oid, c.catalog, c.dead, c.inserted, c.modified, coalesce(o.enabled, true) as enabled,
                         least(coalesce(o.vacuum_base, s.vacuum_base)
                               + coalesce(o.vacuum_scale, s.vacuum_scale) * c.tuples,
                               nullif(coalesce(o.vacuum_max, s.vacuum_max), -1)) as vacuum_at,
                         nullif(coalesce(o.insert_base, s.insert_base), -1)
                           + coalesce(o.insert_scale, s.insert_scale) * c.tuples * c.unfrozen as insert_at,
                         coalesce(o.analyze_base, s.analyze_base)
                           + coalesce(o.analyze_scale, s.analyze_scale) * c.tuples as analyze_at
                    from (select c.oid,
                                 c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace as catalog,
                                 greatest(c.reltuples, 0)::float8 as tuples,
                                 case when c.relpages > 0
                                      then 1 - least(c.relallfrozen, c.relpages)::float8 / c.relpages
                                      else 1 end as unfrozen,
                                 pg_catalog.pg_stat_get_dead_tuples(c.oid) as dead,
                                 pg_catalog.pg_stat_get_ins_since_vacuum(c.oid) as inserted,
                                 case when c.relkind <> 't' and c.oid <> 'pg_catalog.pg_statistic'::pg_catalog.regclass
                                      then pg_catalog.pg_stat_get_mod_since_analyze(c.oid) end as modified
                            from pg_catalog.pg_class c
                           where c.relkind in ('r', 'm', 't')
                             and c.relpersistence <> 't'
                          offset 0) c
                   cross join setting s
                    left join option o on o.relid = c.oid
                  offset 0) n
          offset 0) r
), leaf (root, relid) as (
  select i.inhparent, i.inhrelid
    from pg_catalog.pg_inherits i
    join pg_catalog.pg_class p on p.oid = i.inhparent and p.relkind = 'p' and p.relpersistence <> 't'
  union all
  select l.root, i.inhrelid
    from leaf l
    join pg_catalog.pg_inherits i on i.inhparent = l.relid
), parent as (
  -- nothing analyzes a partitioned table by itself: what its leaves hold against what its last ANALYZE saw
  select p.oid, p.leaves, pg_catalog.abs(p.leaves - p.tuples) as modified,
         pg_catalog.abs(p.leaves - p.tuples) / greatest(s.analyze_base + s.analyze_scale * p.tuples, 0.5) as ratio
    from (select c.oid, c.tuples, f.leaves
            from (select l.root, pg_catalog.sum(x.tuples) as leaves
                    from leaf l
                   -- one look-up each instead of one more pass over pg_class
                   cross join lateral (select greatest(k.reltuples, 0)::float8 as tuples
                                         from pg_catalog.pg_class k
                                        where k.oid = l.relid and k.relkind in ('r', 'f')
                                       offset 0) x
                   group by l.root) f
           cross join lateral (select k.oid, greatest(k.reltuples, 0)::float8 as tuples
                                 from pg_catalog.pg_class k
                                where k.oid = f.root
                               offset 0) c) p
   cross join setting s
), ranked as materialized (
  select r.oid, r.ratio, r.leaves, r.modified
    from (select n.oid, t.ratios[n.nth] as ratio, null::float8 as leaves, null::float8 as modified
            from counted t
           cross join lateral pg_catalog.unnest(t.oids) with ordinality n (oid, nth)
          union all
          select p.oid, p.ratio, p.leaves, p.modified
            from parent p
           where p.ratio > 1) r
   order by r.ratio desc, r.oid
   limit $1
), chosen as (
  select r.oid, r.ratio, r.leaves, r.modified, true as near
    from ranked r
   union all
  -- large tables with a large threshold: what they have most of is ranked by itself
  select e.oid, 0, null, null, false
    from ((select (d.key & 4294967295)::oid as oid
             from (select pg_catalog.unnest(t.backlogs) as key from counted t order by key desc limit $1) d)
          union
          (select (m.key & 4294967295)::oid
             from (select pg_catalog.unnest(t.changes) as key from counted t order by key desc limit $1) m)) e
   where not exists (select from ranked r where r.oid = e.oid)
)
select extract(epoch from pg_catalog.clock_timestamp())::float8 as epoch,
       s.active,
       s.max_workers,
       s.worker_slots,
       s.naptime_s,
       s.cost_limit,
       s.cost_delay_ms,
       t.tables::int8 as tables,
       coalesce(t.dead_all, 0)::int8 as dead_all,
       coalesce(t.dead_catalog, 0)::int8 as dead_catalog,
       t.over_vacuum::int8 as over_vacuum,
       t.over_insert::int8 as over_insert,
       t.over_analyze::int8 as over_analyze,
       t.over_any::int8 as over_any,
       t.over_disabled::int8 as over_disabled,
       c.oid as relid,
       n.nspname::text as nspname,
       c.relname::text as relname,
       c.relkind::text as relkind,
       owner.oid as owner_relid,
       owner_n.nspname::text as owner_nspname,
       owner.relname::text as owner_relname,
       r.near,
       r.ratio::float8 as ratio,
       c.reltuples::float8 as reltuples,
       c.relpages::int8 as relpages,
       c.relallfrozen::int8 as relallfrozen,
       r.leaves::float8 as leaves,
       coalesce(o.enabled, true) as enabled,
       coalesce(o.vacuum_base, s.vacuum_base) as vacuum_base,
       coalesce(o.vacuum_scale, s.vacuum_scale) as vacuum_scale,
       nullif(coalesce(o.vacuum_max, s.vacuum_max), -1) as vacuum_max,
       nullif(coalesce(o.insert_base, s.insert_base), -1) as insert_base,
       coalesce(o.insert_scale, s.insert_scale) as insert_scale,
       coalesce(o.analyze_base, s.analyze_base) as analyze_base,
       coalesce(o.analyze_scale, s.analyze_scale) as analyze_scale,
       pg_catalog.pg_stat_get_live_tuples(c.oid) as live,
       pg_catalog.pg_stat_get_dead_tuples(c.oid) as dead,
       pg_catalog.pg_stat_get_ins_since_vacuum(c.oid) as inserted,
       coalesce(r.modified::int8, pg_catalog.pg_stat_get_mod_since_analyze(c.oid)) as modified,
       extract(epoch from pg_catalog.clock_timestamp() - pg_catalog.pg_stat_get_last_vacuum_time(c.oid))::float8
         as vacuum_s,
       extract(epoch from pg_catalog.clock_timestamp() - pg_catalog.pg_stat_get_last_autovacuum_time(c.oid))::float8
         as autovacuum_s,
       extract(epoch from pg_catalog.clock_timestamp() - pg_catalog.pg_stat_get_last_analyze_time(c.oid))::float8
         as analyze_s,
       extract(epoch from pg_catalog.clock_timestamp() - pg_catalog.pg_stat_get_last_autoanalyze_time(c.oid))::float8
         as autoanalyze_s,
       pg_catalog.pg_stat_get_vacuum_count(c.oid) as vacuums,
       pg_catalog.pg_stat_get_autovacuum_count(c.oid) as autovacuums,
       pg_catalog.pg_stat_get_analyze_count(c.oid) as analyzes,
       pg_catalog.pg_stat_get_autoanalyze_count(c.oid) as autoanalyzes
  from setting s
 cross join counted t
  left join chosen r on true
  left join pg_catalog.pg_class c on c.oid = r.oid
  left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join option o on o.relid = c.oid
  -- a TOAST table depends on the table it belongs to
  left join pg_catalog.pg_depend d
    on c.relkind = 't'
   and d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
   and d.objid = c.oid
   and d.objsubid = 0
   and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
   and d.deptype = 'i'
  left join pg_catalog.pg_class owner on owner.oid = d.refobjid
  left join pg_catalog.pg_namespace owner_n on owner_n.oid = owner.relnamespace
 order by r.near desc nulls last, r.ratio desc, c.oid
