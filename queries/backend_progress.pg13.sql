with work as (
  select p.pid, p.datid, p.datname::text as datname, p.relid as relid, null::oid as index_relid,
         'VACUUM' as command, p.phase as phase,
         case when p.phase = 'scanning heap' then p.heap_blks_scanned
              when p.phase = 'vacuuming heap' then p.heap_blks_vacuumed end as done,
         case when p.phase in ('scanning heap', 'vacuuming heap') then p.heap_blks_total end as total,
         case when p.phase in ('scanning heap', 'vacuuming heap') then 'blocks' end as unit,
         null::int4 as locker_pid
    from pg_catalog.pg_stat_progress_vacuum p
   where p.pid = $1
  union all
  select p.pid, p.datid, p.datname::text as datname, p.relid as relid, p.index_relid as index_relid,
         p.command as command, p.phase as phase,
         case when p.phase like 'waiting%' then p.lockers_done
              when p.phase like '%tuples%' then p.tuples_done
              else p.blocks_done end as done,
         case when p.phase like 'waiting%' then p.lockers_total
              when p.phase like '%tuples%' then p.tuples_total
              else p.blocks_total end as total,
         case when p.phase like 'waiting%' then 'lockers'
              when p.phase like '%tuples%' then 'tuples'
              else 'blocks' end as unit,
         nullif(p.current_locker_pid, 0)::int4 as locker_pid
    from pg_catalog.pg_stat_progress_create_index p
   where p.pid = $1
  union all
  select p.pid, p.datid, p.datname::text as datname, p.relid as relid, nullif(p.cluster_index_relid, 0) as index_relid,
         p.command as command, p.phase as phase,
         case when p.phase = 'seq scanning heap' then p.heap_blks_scanned
              when p.phase = 'rebuilding index' then p.index_rebuild_count
              when p.phase = 'index scanning heap' then p.heap_tuples_scanned
              else p.heap_tuples_written end as done,
         case when p.phase = 'seq scanning heap' then p.heap_blks_total
              when p.phase = 'writing new heap' then p.heap_tuples_scanned end as total,
         case when p.phase = 'seq scanning heap' then 'blocks'
              when p.phase = 'rebuilding index' then 'indexes'
              else 'tuples' end as unit,
         null::int4 as locker_pid
    from pg_catalog.pg_stat_progress_cluster p
   where p.pid = $1
  union all
  select p.pid, p.datid, p.datname::text as datname, p.relid as relid, null::oid as index_relid,
         'ANALYZE' as command, p.phase as phase,
         case when p.phase like 'acquiring%' then p.sample_blks_scanned
              when p.phase = 'computing extended statistics' then p.ext_stats_computed end as done,
         case when p.phase like 'acquiring%' then p.sample_blks_total
              when p.phase = 'computing extended statistics' then p.ext_stats_total end as total,
         case when p.phase like 'acquiring%' then 'blocks'
              when p.phase = 'computing extended statistics' then 'statistics' end as unit,
         null::int4 as locker_pid
    from pg_catalog.pg_stat_progress_analyze p
   where p.pid = $1
  union all
  select p.pid, null::oid, null::text, null::oid, null::oid,
         'BASE_BACKUP', p.phase, p.backup_streamed, p.backup_total, 'bytes', null::int4
    from pg_catalog.pg_stat_progress_basebackup p
   where p.pid = $1
)
select w.command,
       w.phase,
       w.done,
       w.total,
       w.unit,
       w.datname,
       case when w.datid = me.oid then w.relid::pg_catalog.regclass::text end as relation_name,
       case when w.datid = me.oid then w.index_relid::pg_catalog.regclass::text end as index_name,
       w.relid,
       w.locker_pid
  from work w
  join pg_catalog.pg_database me on me.datname = pg_catalog.current_database()
 where $2 = (select coalesce((extract(epoch from s.backend_start) * 1000000)::int8, 0)
               from pg_catalog.pg_stat_get_activity($1) s)
