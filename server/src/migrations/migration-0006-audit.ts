import { Migration } from '@mikro-orm/migrations';

/**
 * What happened, written in the transaction of the change. Who wrote a row cannot say when: the roles of the server may fill
 * in only the columns that describe what was done (see the grants below).
 */
const entries = `
create table audit_entry (
  id uuid primary key default uuidv7(),
  seq bigint generated always as identity,
  xid xid8 not null default pg_current_xact_id(),
  -- no foreign key: the trail outlives what it is about
  workspace_id uuid not null,
  at timestamptz not null default clock_timestamp(),
  actor_kind text not null
    check (actor_kind in ('USER', 'API_KEY', 'SERVICE', 'LOCAL', 'SYSTEM', 'ANONYMOUS')),
  actor_id text,
  action text not null check (action <> '' and length(action) <= 100),
  outcome text not null check (outcome in ('ALLOWED', 'DENIED', 'FAILED')),
  subject_type text,
  subject_id text,
  detail jsonb not null default '{}',
  request_id text
);
create unique index audit_entry_log on audit_entry (xid, seq);
create index audit_entry_newest on audit_entry (workspace_id, id desc);
create index audit_entry_actor on audit_entry (workspace_id, actor_id, id desc);
create index audit_entry_action on audit_entry (workspace_id, action text_pattern_ops, id desc);
create index audit_entry_subject on audit_entry (workspace_id, subject_id, id desc);

-- Personal data, which may have to be erased: apart, and outside the hashes.
create table audit_origin (
  entry_id uuid primary key references audit_entry on delete cascade,
  workspace_id uuid not null,
  user_id uuid,
  address text,
  user_agent text,
  at timestamptz not null default clock_timestamp()
);
create index audit_origin_user on audit_origin (user_id) where user_id is not null;
create index audit_origin_age on audit_origin (at);
`;

const seals = `
-- One chain a workspace: hash = SHA-256(previous || canonical JSON of the entry).
create table audit_seal (
  workspace_id uuid not null,
  position bigint not null check (position >= 1),
  -- no foreign key: retention removes entries and leaves the last of their seals
  entry_id uuid not null unique,
  previous bytea not null check (length(previous) = 32),
  hash bytea not null check (length(hash) = 32),
  sealed_at timestamptz not null default clock_timestamp(),
  primary key (workspace_id, position)
);

-- Where each chain ends, to notice when its tail is gone, and where it begins since retention cut it.
create table audit_head (
  workspace_id uuid primary key,
  position bigint not null,
  hash bytea not null check (length(hash) = 32),
  -- 0 while nothing was cut; else the position of the seal that was left of what was
  anchor_position bigint not null default 0,
  check (anchor_position <= position)
);

-- Up to where the log of entries has been sealed, and in which cluster: transaction ids of a restored dump mean nothing.
create table audit_sealer (
  only_row boolean primary key default true check (only_row),
  xid xid8 not null default '0',
  seq bigint not null default 0,
  cluster text not null default ''
);
insert into audit_sealer default values;
`;

/** Not even the owner changes the trail by mistake; on purpose the owner of a database can do anything to it. */
const guards = `
create function hive_refuse_audit_change() returns trigger language plpgsql as $$
begin
  if current_setting('hive.audit_maintenance', true) = 'on' and tg_op = 'DELETE' then
    return null;
  end if;
  raise exception '% of % is refused: the audit trail is append-only', lower(tg_op), tg_table_name
    using errcode = 'insufficient_privilege',
      hint = 'Set HIVE_AUDIT_RETENTION_DAYS to remove what is older.';
end $$;

create trigger audit_entry_append_only before update or delete or truncate on audit_entry
  for each statement execute function hive_refuse_audit_change();
create trigger audit_seal_append_only before update or delete or truncate on audit_seal
  for each statement execute function hive_refuse_audit_change();
create trigger audit_origin_append_only before update or delete or truncate on audit_origin
  for each statement execute function hive_refuse_audit_change();
`;

// The setting is made inside, until the transaction ends: as a clause of the function only a superuser may write it.
const maintenance = `
-- Removes entries of the chain's beginning that are older than the moment, at most so many, and leaves the seal of the last
-- one for the rest to hang on.
create function hive_audit_retain(workspace uuid, before timestamptz, most int)
  returns table (removed_count int, through_position bigint, through_hash bytea)
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  anchor bigint;
  last_position bigint;
  removed int;
begin
  perform set_config('hive.audit_maintenance', 'on', true);
  if before > clock_timestamp() - interval '23 hours' then
    raise exception 'the audit trail of the last day cannot be removed';
  end if;
  select h.anchor_position into anchor from audit_head h where h.workspace_id = workspace for update;
  if not found then return; end if;
  with oldest as (
    select s.position, e.at from audit_seal s join audit_entry e on e.id = s.entry_id
    where s.workspace_id = workspace and s.position > anchor order by s.position limit most
  )
  select max(o.position) into last_position from oldest o
  where o.position < coalesce((select min(y.position) from oldest y where y.at >= before), 9223372036854775807);
  if last_position is null then return; end if;
  delete from audit_entry e using audit_seal s
  where s.workspace_id = workspace and s.position <= last_position and s.position > anchor and e.id = s.entry_id;
  get diagnostics removed = row_count;
  delete from audit_seal s where s.workspace_id = workspace and s.position < last_position;
  update audit_head h set anchor_position = last_position where h.workspace_id = workspace;
  return query select removed, s.position, s.hash from audit_seal s
    where s.workspace_id = workspace and s.position = last_position;
end $$;

create function hive_audit_erase_origins(person uuid) returns int
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  erased int;
begin
  perform set_config('hive.audit_maintenance', 'on', true);
  delete from audit_origin where user_id = person;
  get diagnostics erased = row_count;
  return erased;
end $$;

create function hive_audit_forget_origins(days int, most int) returns int
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  erased int;
begin
  perform set_config('hive.audit_maintenance', 'on', true);
  delete from audit_origin where entry_id in (
    select o.entry_id from audit_origin o where o.at < clock_timestamp() - days * interval '1 day' order by o.at limit most
  );
  get diagnostics erased = row_count;
  return erased;
end $$;
`;

const secrets = `
create table secret (
  id uuid primary key default uuidv7(),
  workspace_id uuid not null references workspace,
  name text not null check (name <> '' and length(name) <= 100),
  -- the envelope of engines/security/encryption.ts
  ciphertext text not null,
  -- of the master key it was made with, to find what a rotation has still to do
  key_id text not null,
  -- text, as the actor may also be 'local'
  updated_by text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (workspace_id, name)
);
create index secret_key on secret (key_id);

-- The master key that everything secret is kept with, the sessions' signatures among it: by its id, to notice a server that
-- has another one.
create table master_key (
  only_row boolean primary key default true check (only_row),
  key_id text not null,
  since timestamptz not null default clock_timestamp()
);
`;

/** After hive_protect_table, which grants on whole tables: what the server's roles may not say themselves is taken back. */
const protection = `
select hive_protect_table('audit_entry', 'select,insert');
select hive_protect_table('audit_origin', 'select,insert');
select hive_protect_table('audit_seal', 'select,insert');
select hive_protect_table('audit_head', 'select,insert');
select hive_protect_table('secret');

revoke insert on audit_entry, audit_origin from hive_tenant, hive_system;
grant insert (id, workspace_id, actor_kind, actor_id, action, outcome, subject_type, subject_id, detail, request_id)
  on audit_entry to hive_tenant, hive_system;
grant insert (entry_id, workspace_id, user_id, address, user_agent) on audit_origin to hive_tenant, hive_system;
revoke insert on audit_seal, audit_head from hive_tenant;
grant update (position, hash) on audit_head to hive_system;
grant select on audit_sealer to hive_tenant, hive_system;
grant update on audit_sealer to hive_system;
grant select, insert, update, delete on master_key to hive_system;

revoke execute on function hive_audit_retain, hive_audit_erase_origins, hive_audit_forget_origins from public;
grant execute on function hive_audit_retain, hive_audit_erase_origins, hive_audit_forget_origins to hive_system;

-- The functions above run as the owner, whom forced row-level security holds too.
do $$
declare
  name text;
begin
  foreach name in array array['audit_entry', 'audit_origin', 'audit_seal', 'audit_head'] loop
    execute format('create policy audit_maintenance on %I to %I using (true) with check (true)', name, current_user);
  end loop;
end $$;
`;

/** The audit trail with its chain of hashes, and secrets at rest. */
export class Migration0006Audit extends Migration {
  override up(): void {
    for (const part of [entries, seals, guards, maintenance, secrets, protection]) this.addSql(part);
  }
}
