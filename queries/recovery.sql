select w.pid as receiver_pid,
       w.status as receiver_status,
       w.sender_host,
       w.sender_port,
       extract(epoch from pg_catalog.clock_timestamp() - w.last_msg_receipt_time)::float8 as message_age_s,
       pg_catalog.pg_wal_lsn_diff(w.latest_end_lsn, p.received)::int8 as receive_bytes,
       pg_catalog.pg_wal_lsn_diff(p.received, p.replayed)::int8 as replay_bytes,
       extract(epoch from pg_catalog.clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp())::float8 as replay_s,
       case when p.in_recovery then pg_catalog.pg_is_wal_replay_paused() end as paused,
       p.in_recovery
  from (select pg_catalog.pg_is_in_recovery() as in_recovery,
               pg_catalog.pg_last_wal_receive_lsn() as received,
               pg_catalog.pg_last_wal_replay_lsn() as replayed) p
  left join pg_catalog.pg_stat_wal_receiver w on true
