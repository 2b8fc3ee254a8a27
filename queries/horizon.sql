select h.kind,
       h.name,
       h.pid,
       h.start_us,
       h.detail,
       h.database,
       h.xmin_age,
       h.age_s
  from (select 'session' as kind,
               a.usename::text as name,
               a.pid,
               (extract(epoch from a.backend_start) * 1000000)::int8 as start_us,
               pg_catalog.concat_ws(' · ', a.application_name, coalesce(a.state, a.backend_type)) as detail,
               a.datname::text as database,
               greatest(pg_catalog.age(a.backend_xid), pg_catalog.age(a.backend_xmin))::int8 as xmin_age,
               extract(epoch from pg_catalog.clock_timestamp() - a.xact_start)::float8 as age_s
          from pg_catalog.pg_stat_activity a
         where (a.backend_xid is not null or a.backend_xmin is not null)
           and a.pid <> pg_catalog.pg_backend_pid()
           and a.pid <> all ($2)
           and a.backend_type not in ('walsender', 'parallel worker')
           and not exists (select from pg_catalog.pg_stat_get_progress_info('VACUUM') v where v.pid = a.pid)
        union all
        select 'prepared transaction', p.gid, null, null, p.owner::text, p.database::text,
               pg_catalog.age(p.transaction)::int8,
               extract(epoch from pg_catalog.clock_timestamp() - p.prepared)::float8
          from pg_catalog.pg_prepared_xacts p
        union all
        select 'slot', s.slot_name::text, s.active_pid, null,
               pg_catalog.concat_ws(' · ', s.slot_type, case when s.active then 'active' else 'inactive' end),
               s.database::text, pg_catalog.age(s.xmin)::int8, null
          from pg_catalog.pg_replication_slots s
         where s.xmin is not null
        union all
        select 'slot catalog', s.slot_name::text, s.active_pid, null,
               pg_catalog.concat_ws(' · ', s.slot_type, case when s.active then 'active' else 'inactive' end),
               s.database::text, pg_catalog.age(s.catalog_xmin)::int8, null
          from pg_catalog.pg_replication_slots s
         where s.catalog_xmin is not null
        union all
        select 'standby', coalesce(nullif(r.application_name, ''), pg_catalog.host(r.client_addr)), r.pid,
               (extract(epoch from r.backend_start) * 1000000)::int8, 'hot_standby_feedback', null,
               pg_catalog.age(r.backend_xmin)::int8, null
          from pg_catalog.pg_stat_replication r
         where r.backend_xmin is not null) h
 order by h.xmin_age desc, h.age_s desc nulls last, h.kind, h.name
 limit $1
