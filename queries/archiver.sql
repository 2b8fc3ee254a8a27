select extract(epoch from pg_catalog.clock_timestamp())::float8 as epoch,
       pg_catalog.current_setting('archive_mode') as mode,
       pg_catalog.current_setting('archive_command') not in ('', '(disabled)') as has_command,
       nullif(pg_catalog.current_setting('archive_library', true), '') as library,
       extract(epoch from pg_catalog.current_setting('archive_timeout')::interval)::float8 as timeout_s,
       p.in_recovery,
       a.archived_count,
       a.last_archived_wal,
       extract(epoch from pg_catalog.clock_timestamp() - a.last_archived_time)::float8 as archived_age_s,
       a.failed_count,
       a.last_failed_wal,
       extract(epoch from pg_catalog.clock_timestamp() - a.last_failed_time)::float8 as failed_age_s,
       extract(epoch from a.stats_reset)::float8 as reset,
       pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size')) as segment_bytes,
       pg_catalog.pg_wal_lsn_diff(case when p.in_recovery then pg_catalog.pg_last_wal_replay_lsn()
                                       else pg_catalog.pg_current_wal_lsn() end, '0/0')::int8 as wal_position,
       pg_catalog.has_function_privilege('pg_catalog.pg_ls_archive_statusdir()', 'EXECUTE') as may_list
  from pg_catalog.pg_stat_archiver a
 cross join (select pg_catalog.pg_is_in_recovery() as in_recovery) p
