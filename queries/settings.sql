with overridable (name) as (
  values ('ignore_checksum_failure'), ('ignore_system_indexes'), ('session_replication_role'), ('synchronous_commit'),
         ('track_activities'), ('track_counts'), ('zero_damaged_pages')
)
select extract(epoch from pg_catalog.clock_timestamp())::float8 as epoch,
       extract(epoch from pg_catalog.pg_conf_load_time())::float8 as loaded,
       r.overrides,
       r.role,
       r.database,
       r.name,
       r.value,
       r.unit,
       r.source,
       r.context,
       r.pending_restart
  from (select false as overrides,
               null::text as role,
               null::text as database,
               s.name,
               -- a text that waits for a restart may hold a password: nobody needs it here
               case when k.known or s.vartype <> 'string' then s.setting end as value,
               s.unit,
               s.source,
               s.context,
               s.pending_restart
          from pg_catalog.pg_settings s
         cross join lateral (select s.name in (
                 'archive_mode', 'autovacuum', 'autovacuum_freeze_max_age', 'autovacuum_max_workers',
                 'autovacuum_multixact_freeze_max_age', 'checkpoint_timeout', 'checkpoint_warning', 'data_checksums',
                 'fsync', 'full_page_writes', 'ignore_checksum_failure', 'ignore_invalid_pages', 'ignore_system_indexes',
                 'max_connections', 'max_wal_size', 'reserved_connections', 'session_replication_role',
                 'shared_preload_libraries', 'superuser_reserved_connections', 'synchronous_commit', 'track_activities',
                 'track_activity_query_size', 'track_counts', 'wal_compression', 'wal_level', 'work_mem',
                 'zero_damaged_pages') as known) k
         where k.known
            or s.pending_restart
        union all
        -- of the sessions of a role, of a database, or of one in the other; null is all of them
        select true,
               case when o.setrole <> 0 then pg_catalog.pg_get_userbyid(o.setrole)::text end,
               d.datname::text,
               pg_catalog.split_part(c.entry, '=', 1),
               pg_catalog.split_part(c.entry, '=', 2),
               null,
               null,
               null,
               false
          from pg_catalog.pg_db_role_setting o
         cross join lateral pg_catalog.unnest(o.setconfig) c (entry)
          left join pg_catalog.pg_database d on d.oid = o.setdatabase
         where pg_catalog.split_part(c.entry, '=', 1) in (select v.name from overridable v)) r
 order by r.overrides, r.name, r.database, r.role
