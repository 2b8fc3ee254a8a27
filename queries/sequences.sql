with fed as materialized (
  -- The columns a sequence feeds: the one that owns it, and those whose default names it.
  select d.objid as oid, d.refobjid as attrelid, d.refobjsubid as attnum, 0 as rank
    from pg_catalog.pg_sequence s
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_class'::regclass and d.objid = s.seqrelid and d.objsubid = 0
   where d.refclassid = 'pg_catalog.pg_class'::regclass
     and d.refobjsubid > 0
     and d.deptype in ('a', 'i')
  union all
  select d.refobjid, f.adrelid, f.adnum, 1
    from pg_catalog.pg_sequence s
    join pg_catalog.pg_depend d on d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = s.seqrelid and d.classid = 'pg_catalog.pg_attrdef'::regclass
    join pg_catalog.pg_attrdef f on f.oid = d.objid
), narrow as materialized (
  -- The narrowest of them is the limit.
  select distinct on (f.oid) f.oid, f.attrelid, a.attname, w.width
    from fed f
    join pg_catalog.pg_attribute a on a.attrelid = f.attrelid and a.attnum = f.attnum
    join pg_catalog.pg_type t on t.oid = a.atttypid
   cross join lateral (select case coalesce(nullif(t.typbasetype, 0), t.oid) when 21 then 2 when 23 then 4 else 8 end as width) w
   order by f.oid, w.width, f.rank, f.attrelid, a.attnum
), seq as materialized (
  select q.seqrelid as oid,
         q.seqtypid,
         q.seqstart,
         q.seqincrement,
         q.seqmin,
         q.seqmax,
         c.relname,
         c.relnamespace,
         c.relpersistence,
         w.attrelid,
         w.attname,
         coalesce(w.width, 8) as width,
         case when q.seqincrement > 0
              then least(q.seqmax, case w.width when 2 then 32767 when 4 then 2147483647 else q.seqmax end)
              else greatest(q.seqmin, case w.width when 2 then -32768 when 4 then -2147483648 else q.seqmin end)
              end::int8 as bound,
         pg_catalog.has_sequence_privilege(q.seqrelid, 'SELECT')
         or pg_catalog.has_sequence_privilege(q.seqrelid, 'USAGE') as readable
    from pg_catalog.pg_sequence q
    join pg_catalog.pg_class c on c.oid = q.seqrelid
    left join narrow w on w.oid = q.seqrelid
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
), chosen as materialized (
  -- The nearest bounds first, and of those the ones of the largest tables.
  select s.*, b.relation is not null as locked
    from seq s
    left join busy b on b.relation = s.oid
    left join pg_catalog.pg_class t on t.oid = s.attrelid
   where coalesce(s.readable, false)
     and (s.relpersistence <> 'u' or not pg_catalog.pg_is_in_recovery())
   order by pg_catalog.abs(s.bound::float8 - s.seqstart), greatest(t.reltuples, 0) desc nulls last, s.oid
   limit $2
), valued as materialized (
  select k.*, case when not k.locked then pg_catalog.pg_sequence_last_value(k.oid) end as last
    from chosen k
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
       r.*
  from (select d.oid as database,
               (select pg_catalog.count(*) from seq s) as sequences,
               (select pg_catalog.count(*) from seq s where not coalesce(s.readable, false)) as unreadable,
               (select n.nspname::text
                  from seq s
                  join pg_catalog.pg_namespace n on n.oid = s.relnamespace
                 where not coalesce(s.readable, false)
                 group by n.nspname
                 order by pg_catalog.count(*) desc, n.nspname
                 limit 1) as unreadable_schema,
               (select pg_catalog.count(*)
                  from seq s
                 where s.readable and s.relpersistence = 'u' and pg_catalog.pg_is_in_recovery()) as unlogged,
               (select pg_catalog.count(*) from chosen k where not k.locked) as read,
               (select pg_catalog.count(*) from chosen k where k.locked) as locked
          from pg_catalog.pg_database d
         where d.datname = pg_catalog.current_database()) f
  left join lateral (
    select u.oid,
           n.nspname::text as nspname,
           u.relname::text as relname,
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
      join pg_catalog.pg_namespace n on n.oid = u.relnamespace
      left join pg_catalog.pg_class t on t.oid = u.attrelid
      left join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
     where not u.locked
     order by u.share desc, u.oid
     limit $1) r on true
 order by r.share desc nulls last, r.oid
