select extract(epoch from pg_catalog.clock_timestamp())::float8 as epoch,
       pg_catalog.sum(c.confl_snapshot)::int8 as snapshot,
       pg_catalog.sum(c.confl_lock)::int8 as lock,
       pg_catalog.sum(c.confl_bufferpin)::int8 as buffer_pin,
       pg_catalog.sum(c.confl_deadlock)::int8 as deadlock,
       pg_catalog.sum(c.confl_tablespace)::int8 as tablespace,
       null::int8 as logical_slot
  from pg_catalog.pg_stat_database_conflicts c
