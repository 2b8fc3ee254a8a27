with recursive member (oid) as (
  select r.oid
    from pg_catalog.pg_roles r
   where r.rolname in (session_user, current_user)
   union
  select m.roleid
    from member
    join pg_catalog.pg_auth_members m on m.member = member.oid
), role as materialized (
  select r.oid, r.rolname::text as name, r.rolsuper, r.rolcreaterole, r.rolcreatedb, r.rolreplication, r.rolbypassrls
    from pg_catalog.pg_roles r
    join member on member.oid = r.oid
), attribute as (
  select role.name, a.attribute
    from role
   cross join lateral (values ('SUPERUSER', role.rolsuper),
                              ('CREATEROLE', role.rolcreaterole),
                              ('CREATEDB', role.rolcreatedb),
                              ('REPLICATION', role.rolreplication),
                              ('BYPASSRLS', role.rolbypassrls)) a (attribute, held)
   where a.held
), grants as materialized (
  select c.oid, a.grantee, pg_catalog.string_agg(distinct a.privilege_type, ', ' order by a.privilege_type) as privileges
    from pg_catalog.pg_class c
   cross join lateral pg_catalog.aclexplode(c.relacl) a
   where c.relacl is not null
     and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
     and c.oid >= 16384
     and (a.privilege_type in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'MAINTAIN')
          or c.relkind = 'S' and a.privilege_type = 'USAGE')
     and (a.grantee = 0 or a.grantee in (select member.oid from member))
   group by c.oid, a.grantee
   limit 20
)
select 'attribute'::text as kind, attribute.name as who, attribute.attribute::text as what, 1::int8 as objects
  from attribute
 union all
select 'predefined', role.name, role.name, 1
  from role
 where role.name in ('pg_write_all_data', 'pg_write_server_files', 'pg_execute_server_program', 'pg_signal_backend',
                     'pg_checkpoint', 'pg_maintain', 'pg_create_subscription', 'pg_signal_autovacuum_worker')
 union all
select 'owner',
       role.name,
       coalesce('database ' || d.datname::text, 'shared catalogs'),
       pg_catalog.count(*)
  from pg_catalog.pg_shdepend s
  join role on role.oid = s.refobjid
  left join pg_catalog.pg_database d on d.oid = s.dbid
 where s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
   and s.deptype = 'o'
 group by role.name, d.datname
 union all
select 'grant',
       coalesce(role.name, 'PUBLIC'),
       grants.privileges || ' on ' || n.nspname::text || '.' || c.relname::text,
       1
  from grants
  join pg_catalog.pg_class c on c.oid = grants.oid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join role on role.oid = grants.grantee
 union all
select 'grant',
       role.name,
       a.privilege_type || ' on column ' || t.attname::text || ' of ' || n.nspname::text || '.' || c.relname::text,
       1
  from pg_catalog.pg_shdepend s
  join role on role.oid = s.refobjid
  join pg_catalog.pg_database d on d.oid = s.dbid and d.datname = pg_catalog.current_database()
  join pg_catalog.pg_attribute t on t.attrelid = s.objid and t.attnum = s.objsubid
  join pg_catalog.pg_class c on c.oid = s.objid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 cross join lateral pg_catalog.aclexplode(t.attacl) a
 where s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
   and s.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
   and s.objsubid > 0
   and s.deptype = 'a'
   and a.grantee = role.oid
   and a.privilege_type in ('INSERT', 'UPDATE')
 union all
select 'schema', coalesce(role.name, 'PUBLIC'), n.nspname::text, 1
  from pg_catalog.pg_namespace n
 cross join lateral pg_catalog.aclexplode(n.nspacl) a
  left join role on role.oid = a.grantee
 where a.privilege_type = 'CREATE'
   and n.nspname !~ '^pg_(toast|temp)'
   and (a.grantee = 0 or role.oid is not null)
 union all
select 'database', coalesce(role.name, 'PUBLIC'), d.datname::text, 1
  from pg_catalog.pg_database d
 cross join lateral pg_catalog.aclexplode(d.datacl) a
  left join role on role.oid = a.grantee
 where a.privilege_type = 'CREATE'
   and d.datname = pg_catalog.current_database()
   and (a.grantee = 0 or role.oid is not null)
