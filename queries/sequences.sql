with capacity as (
  -- A sequence that was read stays locked to the end of the statement. A tenth of the shared lock table at most, so
  -- that no other session runs out of it.
  select least($2, greatest(100, pg_catalog.current_setting('max_locks_per_transaction')::int8
                                 * (pg_catalog.current_setting('max_connections')::int8
                                    + pg_catalog.current_setting('max_prepared_transactions')::int8) / 10)) as most
), seq as materialized (
  select q.seqrelid as oid,
         c.relname,
         c.relnamespace,
         d.refobjid as owner,
         c.relpersistence = 'u' and pg_catalog.pg_is_in_recovery() as elsewhere
    from pg_catalog.pg_sequence q
    join pg_catalog.pg_class c on c.oid = q.seqrelid
    left join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_class'::regclass
                                    and d.objid = q.seqrelid
                                    and d.objsubid = 0
                                    and d.refclassid = 'pg_catalog.pg_class'::regclass
                                    and d.deptype in ('a', 'i')
   -- One that starts again at its end never ends; those of other sessions' temporary tables cannot be read.
   where not q.seqcycle
     and c.relpersistence <> 't'
), busy as materialized (
  -- To read a sequence is to take ROW EXCLUSIVE on it: ALTER SEQUENCE stands in the way too.
  select distinct l.relation
    from pg_catalog.pg_locks l
   where l.locktype = 'relation'
     and l.mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
     and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
), open as materialized (
  select s.oid, s.owner
    from seq s
   where not s.elsewhere
     and s.oid not in (select b.relation from busy b)
), likely as materialized (
  -- A table of many rows has used many values, and a short range is used up soon.
  select o.oid
    from open o
    join pg_catalog.pg_sequence q on q.seqrelid = o.oid
    left join pg_catalog.pg_class t on t.oid = o.owner
   order by greatest(t.reltuples, pg_catalog.pg_stat_get_tuples_inserted(o.owner)::float8, 1)
            / least(q.seqmax::float8 - q.seqmin::float8, 2147483647) desc, o.oid
   limit (select case when (select pg_catalog.count(*) from open o) <= c.most then c.most else c.most / 2 end from capacity c)
), turn as materialized (
  -- The others in turn.
  select o.oid
    from open o
   where o.oid::int8 > $4
     and (select pg_catalog.count(*) from open a) > (select c.most from capacity c)
   order by o.oid
   limit (select c.most / 2 from capacity c)
), chosen as materialized (
  -- The privilege is looked up for these only: each look-up stays in the memory of the backend too.
  select c.oid, pg_catalog.has_sequence_privilege(c.oid, 'SELECT, USAGE') is true as readable
    from (select l.oid from likely l
          union
          select u.oid from turn u
          union
          select o.oid from open o where o.oid = any ($3)) c
), fed as materialized (
  -- The columns a sequence feeds: the one that owns it, and those whose default names it.
  select k.oid, d.refobjid as attrelid, d.refobjsubid as attnum, 0 as rank
    from chosen k
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_class'::regclass and d.objid = k.oid and d.objsubid = 0
   where d.refclassid = 'pg_catalog.pg_class'::regclass
     and d.refobjsubid > 0
     and d.deptype in ('a', 'i')
  union all
  select k.oid, f.adrelid, f.adnum, 1
    from chosen k
    join pg_catalog.pg_depend d on d.refclassid = 'pg_catalog.pg_class'::regclass
                               and d.refobjid = k.oid
                               and d.classid = 'pg_catalog.pg_attrdef'::regclass
    join pg_catalog.pg_attrdef f on f.oid = d.objid
), narrow as materialized (
  -- The narrowest of them is the limit.
  select distinct on (f.oid) f.oid, f.attrelid, a.attname, w.width
    from fed f
    join pg_catalog.pg_attribute a on a.attrelid = f.attrelid and a.attnum = f.attnum
    join pg_catalog.pg_type t on t.oid = a.atttypid
   -- Not by its type, which may be a domain over a domain: a domain has the output function of what it is over, here
   -- int2out or int4out.
   cross join lateral (select case t.typoutput::oid when 39 then 2 when 43 then 4 else 8 end as width) w
   order by f.oid, w.width, f.rank, f.attrelid, a.attnum
), valued as materialized (
  select k.oid,
         w.attrelid,
         w.attname,
         coalesce(w.width, 8) as width,
         q.seqtypid,
         q.seqstart,
         q.seqincrement,
         q.seqmin,
         q.seqmax,
         case when q.seqincrement > 0
              then least(q.seqmax, case w.width when 2 then 32767 when 4 then 2147483647 else q.seqmax end)
              else greatest(q.seqmin, case w.width when 2 then -32768 when 4 then -2147483648 else q.seqmin end)
              end::int8 as bound,
         pg_catalog.pg_sequence_last_value(k.oid) as last
    from chosen k
    join pg_catalog.pg_sequence q on q.seqrelid = k.oid
    left join narrow w on w.oid = k.oid
   where k.readable
), used as materialized (
  select v.*,
         case when v.last is null then 0
              when v.seqincrement > 0
              then (v.last::float8 - least(v.seqmin, v.seqstart)) / nullif(v.bound::float8 - least(v.seqmin, v.seqstart), 0)
              else (greatest(v.seqmax, v.seqstart) - v.last::float8) / nullif(greatest(v.seqmax, v.seqstart) - v.bound::float8, 0)
              end as share
    from valued v
)
select extract(epoch from pg_catalog.clock_timestamp())::float8 as epoch,
       f.database,
       f.sequences,
       f.unreadable,
       f.unreadable_schema,
       f.unlogged,
       f.read,
       f.locked,
       f.turn,
       r.*
  from (select d.oid as database,
               (select pg_catalog.count(*) from seq s) as sequences,
               (select pg_catalog.count(*) from chosen k where not k.readable) as unreadable,
               (select n.nspname::text
                  from chosen k
                  join seq s on s.oid = k.oid
                  join pg_catalog.pg_namespace n on n.oid = s.relnamespace
                 where not k.readable
                 group by n.nspname
                 order by pg_catalog.count(*) desc, n.nspname
                 limit 1) as unreadable_schema,
               (select pg_catalog.count(*) from seq s where s.elsewhere) as unlogged,
               (select pg_catalog.count(*) from chosen k where k.readable) as read,
               (select pg_catalog.count(*)
                  from seq s
                 where not s.elsewhere
                   and s.oid in (select b.relation from busy b)) as locked,
               -- Where the next turn begins; 0 when this one came to the end.
               (select case when pg_catalog.count(*) >= (select c.most / 2 from capacity c)
                            then pg_catalog.max(u.oid::int8) else 0 end
                  from turn u) as turn
          from pg_catalog.pg_database d
         where d.datname = pg_catalog.current_database()) f
  left join lateral (
    select u.oid,
           n.nspname::text as nspname,
           c.relname::text as relname,
           pg_catalog.format_type(u.seqtypid, null)::text as sequence_type,
           u.attrelid as table_oid,
           tn.nspname::text as table_nspname,
           t.relname::text as table_relname,
           u.attname::text as attname,
           u.width,
           u.seqincrement as increment,
           u.bound,
           u.last as last_value,
           u.share::float8 as share
      from used u
      join pg_catalog.pg_class c on c.oid = u.oid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      left join pg_catalog.pg_class t on t.oid = u.attrelid
      left join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
     order by u.share desc nulls last, u.oid
     limit $1) r on true
 order by r.share desc nulls last, r.oid
