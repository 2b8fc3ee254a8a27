with s as materialized (
    select p.userid,
           p.dbid,
           p.queryid,
           p.toplevel as toplevel,
           p.calls,
           p.rows,
           p.total_exec_time as exec_ms,
           p.total_plan_time as plan_ms,
           p.shared_blks_hit as hit,
           p.shared_blks_read as read,
           p.shared_blk_read_time + p.shared_blk_write_time + p.local_blk_read_time + p.local_blk_write_time
               + p.temp_blk_read_time + p.temp_blk_write_time as io_ms,
           p.temp_blks_read + p.temp_blks_written as temp,
           p.wal_bytes::float8 as wal,
           p.jit_generation_time + p.jit_inlining_time + p.jit_optimization_time + p.jit_emission_time
               + p.jit_deform_time as jit_ms,
           extract(epoch from p.stats_since)::float8 as since
      from "{schema}".pg_stat_statements(false) p),
head as (
    select extract(epoch from pg_catalog.clock_timestamp())::float8 as epoch,
           extract(epoch from pg_catalog.pg_postmaster_start_time())::float8 as started,
           pg_catalog.count(*)::int8 as entries,
           pg_catalog.count(*) filter (where s.queryid is null)::int8 as hidden,
           coalesce(pg_catalog.sum(s.exec_ms) filter (where s.queryid is null), 0)::float8 as hidden_ms
      from s),
info as (
    select i.dealloc as dealloc,
           extract(epoch from i.stats_reset)::float8 as reset
      from "{schema}".pg_stat_statements_info() i),
top as (
    select s.userid, s.dbid, s.queryid, s.toplevel, s.calls, s.rows, s.exec_ms, s.plan_ms, s.hit, s.read, s.io_ms,
           s.temp, s.wal, s.jit_ms, s.since, r.rolname::text as usename, d.datname::text as datname
      from s
      left join pg_catalog.pg_roles r on r.oid = s.userid
      left join pg_catalog.pg_database d on d.oid = s.dbid
     where s.queryid is not null
     order by s.exec_ms desc
     limit $1)
select h.epoch, h.started, h.entries, h.hidden, h.hidden_ms, h.dealloc, h.reset,
       t.userid, t.dbid, t.queryid, t.toplevel, t.calls, t.rows, t.exec_ms, t.plan_ms, t.hit, t.read, t.io_ms,
       t.temp, t.wal, t.jit_ms, t.since, t.usename, t.datname
  from (select head.epoch, head.started, head.entries, head.hidden, head.hidden_ms,
               info.dealloc, info.reset
          from head
         cross join info) h
  full join top t on false
