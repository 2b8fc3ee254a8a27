select h.kind,
       h.name,
       h.pid,
       h.start_us,
       h.detail,
       h.application,
       h.state,
       h.active,
       h.database,
       coalesce(h.database = pg_catalog.current_database(), true) as here,
       h.xmin_age,
       h.age_s
  from (select 'session' as kind,
               a.usename::text as name,
               a.pid,
               (extract(epoch from a.backend_start) * 1000000)::int8 as start_us,
               pg_catalog.concat_ws(' · ', a.application_name, coalesce(a.state, a.backend_type)) as detail,
               a.application_name as application,
               coalesce(a.state, a.backend_type) as state,
               null::bool as active,
               a.datname::text as database,
               greatest(pg_catalog.age(a.backend_xid), pg_catalog.age(a.backend_xmin))::int8 as xmin_age,
               extract(epoch from (select pg_catalog.clock_timestamp()) - a.xact_start)::float8 as age_s
          from pg_catalog.pg_stat_activity a
         where (a.backend_xid is not null or a.backend_xmin is not null)
           and a.pid <> pg_catalog.pg_backend_pid()
           and a.pid <> all ($2)
           and a.backend_type not in ('walsender', 'parallel worker')
           and not exists (select from pg_catalog.pg_stat_get_progress_info('VACUUM') v where v.pid = a.pid)
        union all
        select 'prepared transaction', p.gid, null, null, p.owner::text, null, null, null, p.database::text,
               pg_catalog.age(p.transaction)::int8,
               extract(epoch from (select pg_catalog.clock_timestamp()) - p.prepared)::float8
          from pg_catalog.pg_prepared_xacts p
        union all
        -- a logical slot lies in a database and holds the catalogs of all of them
        select s.kind, s.slot_name, s.active_pid,
               (select (extract(epoch from a.backend_start) * 1000000)::int8
                  from pg_catalog.pg_stat_get_activity(coalesce(s.active_pid, 0)) a),
               pg_catalog.concat_ws(' · ', s.slot_type, case when s.active then 'active' else 'inactive' end),
               null, s.slot_type, s.active, null, pg_catalog.age(s.held)::int8, null
          from (select k.kind, r.slot_name::text as slot_name, r.active_pid, r.slot_type, r.active,
                       case k.kind when 'slot' then r.xmin else r.catalog_xmin end as held
                  from pg_catalog.pg_replication_slots r
                 cross join (values ('slot'), ('slot catalog')) k (kind)) s
         where s.held is not null
        union all
        select 'standby', coalesce(nullif(r.application_name, ''), pg_catalog.host(r.client_addr)), r.pid,
               (extract(epoch from r.backend_start) * 1000000)::int8, 'hot_standby_feedback',
               r.application_name, r.state, true, null,
               pg_catalog.age(r.backend_xmin)::int8, null
          from pg_catalog.pg_stat_replication r
         where r.backend_xmin is not null) h
 order by h.xmin_age desc, h.age_s desc nulls last, h.kind, h.name
 limit $1
