with work as (
  select p.pid, p.datid, p.datname::text as datname, p.relid, null::oid as index_relid,
         'VACUUM' as command, p.phase,
         case when p.phase = 'scanning heap' then p.heap_blks_scanned
              when p.phase = 'vacuuming heap' then p.heap_blks_vacuumed end as done,
         case when p.phase in ('scanning heap', 'vacuuming heap') then p.heap_blks_total end as total,
         case when p.phase in ('scanning heap', 'vacuuming heap') then 'blocks' end as unit,
         p.index_vacuum_count as rounds, null::int8 as indexes_done, null::int8 as indexes_total,
         p.num_dead_tuples as dead, p.max_dead_tuples as dead_room, null::int8 as dead_bytes, null::int8 as dead_room_bytes,
         null::float8 as delay_ms, null::int8 as parts_done, null::int8 as parts_total, null::int4 as locker_pid
    from pg_catalog.pg_stat_progress_vacuum p
  union all
  select p.pid, p.datid, p.datname::text, p.relid, nullif(p.index_relid, 0), p.command, p.phase,
         case when p.phase like 'waiting%' then p.lockers_done
              when p.phase like '%tuples%' then p.tuples_done
              else p.blocks_done end,
         case when p.phase like 'waiting%' then p.lockers_total
              when p.phase like '%tuples%' then p.tuples_total
              else p.blocks_total end,
         case when p.phase like 'waiting%' then 'lockers'
              when p.phase like '%tuples%' then 'tuples'
              else 'blocks' end,
         null, null, null, null, null, null, null, null,
         p.partitions_done, p.partitions_total, nullif(p.current_locker_pid, 0)::int4
    from pg_catalog.pg_stat_progress_create_index p
  union all
  select p.pid, p.datid, p.datname::text, p.relid, nullif(p.cluster_index_relid, 0), p.command, p.phase,
         case when p.phase = 'seq scanning heap' then p.heap_blks_scanned
              when p.phase = 'rebuilding index' then p.index_rebuild_count
              when p.phase = 'index scanning heap' then p.heap_tuples_scanned
              else p.heap_tuples_written end,
         case when p.phase = 'seq scanning heap' then p.heap_blks_total
              when p.phase = 'writing new heap' then p.heap_tuples_scanned end,
         case when p.phase = 'seq scanning heap' then 'blocks'
              when p.phase = 'rebuilding index' then 'indexes'
              else 'tuples' end,
         null, null, null, null, null, null, null, null, null, null, null
    from pg_catalog.pg_stat_progress_cluster p
), me as (
  select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()
)
select w.pid,
       (extract(epoch from a.backend_start) * 1000000)::int8 as start_us,
       a.backend_type,
       w.command,
       w.phase,
       w.done,
       w.total,
       w.unit,
       w.rounds,
       w.indexes_done,
       w.indexes_total,
       w.dead,
       w.dead_room,
       w.dead_bytes,
       w.dead_room_bytes,
       w.delay_ms,
       w.parts_done,
       w.parts_total,
       w.locker_pid,
       w.datname,
       w.relid,
       n.nspname::text as nspname,
       c.relname::text as relname,
       owner_n.nspname::text as owner_nspname,
       owner.relname::text as owner_relname,
       i.relname::text as index_name,
       extract(epoch from pg_catalog.clock_timestamp())::float8 as epoch,
       extract(epoch from (select pg_catalog.clock_timestamp()) - coalesce(a.query_start, a.xact_start))::float8 as since_s,
       a.wait_event_type,
       a.wait_event,
       case when a.query = '<insufficient privilege>' then null
            when pg_catalog.getdatabaseencoding() in ('UTF8', 'SQL_ASCII', 'LATIN1')
            then pg_catalog.substr(pg_catalog.textsend(a.query), 1, $1)
            else pg_catalog.substr(pg_catalog.decode(pg_catalog.replace(a.query, E'\\', E'\\\\'), 'escape'), 1, $1)
       end as query
  from work w
 cross join me
  left join lateral pg_catalog.pg_stat_get_activity(w.pid) a on true
  left join pg_catalog.pg_class c on c.oid = w.relid and w.datid = me.oid
  left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join pg_catalog.pg_class i on i.oid = w.index_relid and w.datid = me.oid
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
 order by w.pid, w.command
