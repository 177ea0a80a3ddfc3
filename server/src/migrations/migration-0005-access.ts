import { Migration } from '@mikro-orm/migrations';

const members = `
-- People live in schema identity; a row here outlives none of its meaning without one, so there is no foreign key to it.
create table membership (
  workspace_id uuid not null references workspace,
  user_id uuid not null,
  role text not null check (role in ('OWNER', 'ADMIN', 'OPERATOR', 'VIEWER')),
  project_access text not null default 'ALL' check (project_access in ('ALL', 'GRANTED')),
  version int not null default 1,
  created_at timestamptz not null default now(),
  last_seen_at timestamptz,
  primary key (workspace_id, user_id),
  -- Whoever runs a workspace sees all of it.
  constraint membership_access check (project_access = 'ALL' or role in ('OPERATOR', 'VIEWER'))
);
create index membership_user on membership (user_id);
create index membership_owner on membership (workspace_id) where role = 'OWNER';

-- Grants name project and workspace together, so that no row can join a member of one with a project of another.
alter table project add constraint project_in_workspace unique (workspace_id, id);
create table project_grant (
  workspace_id uuid not null,
  user_id uuid not null,
  project_id uuid not null,
  role text not null check (role in ('ADMIN', 'OPERATOR', 'VIEWER')),
  created_at timestamptz not null default now(),
  primary key (workspace_id, user_id, project_id),
  foreign key (workspace_id, user_id) references membership on delete cascade,
  foreign key (workspace_id, project_id) references project (workspace_id, id) on delete cascade
);
create index project_grant_project on project_grant (workspace_id, project_id);
`;

/**
 * The last owner can neither leave nor step down. The lock on the workspace makes a second removal wait for the first one; what
 * counts the owners afterwards is a statement of its own and sees what the first one left. It excludes no foreign key check.
 */
const lastOwner = `
create function hive_keep_owner() returns trigger language plpgsql as $$
begin
  perform 1 from workspace where id = old.workspace_id for no key update;
  if not exists (select 1 from membership where workspace_id = old.workspace_id and role = 'OWNER') then
    raise exception 'A workspace keeps at least one owner.'
      using errcode = 'check_violation', constraint = 'membership_keeps_owner', table = 'membership';
  end if;
  return null;
end $$;
create trigger membership_keeps_owner_on_delete after delete on membership
  for each row when (old.role = 'OWNER') execute function hive_keep_owner();
create trigger membership_keeps_owner_on_update after update on membership
  for each row when (old.role = 'OWNER' and new.role <> 'OWNER') execute function hive_keep_owner();
`;

const invitations = `
create table invitation (
  id uuid primary key default uuidv7(),
  workspace_id uuid not null references workspace,
  -- SHA-256 of the token in the link
  token_hash bytea not null unique check (octet_length(token_hash) = 32),
  role text not null check (role in ('OWNER', 'ADMIN', 'OPERATOR', 'VIEWER')),
  project_access text not null default 'ALL' check (project_access in ('ALL', 'GRANTED')),
  -- [{projectId, role}]
  grants jsonb not null default '[]',
  note text not null default '' check (char_length(note) <= 200),
  invited_by uuid not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  accepted_by uuid,
  accepted_at timestamptz,
  revoked_at timestamptz,
  check (project_access = 'ALL' or role in ('OPERATOR', 'VIEWER')),
  check ((accepted_by is null) = (accepted_at is null)),
  check (accepted_at is null or revoked_at is null)
);
create index invitation_open on invitation (workspace_id, id) where accepted_at is null and revoked_at is null;
create index invitation_person on invitation (invited_by);
`;

const keys = `
create table api_key (
  id uuid primary key default uuidv7(),
  workspace_id uuid not null references workspace,
  name text not null check (char_length(name) between 1 and 100),
  -- the first characters, to tell keys apart
  start text not null,
  -- SHA-256 of the secret
  secret_hash bytea not null unique check (octet_length(secret_hash) = 32),
  role text not null check (role in ('OWNER', 'ADMIN', 'OPERATOR', 'VIEWER')),
  -- null: whatever the role may
  scopes text[] check (cardinality(scopes) between 1 and 100),
  -- null: wherever its maker may
  project_ids uuid[] check (cardinality(project_ids) between 1 and 100),
  created_by uuid not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  last_used_at timestamptz,
  revoked_at timestamptz,
  replaced_by uuid references api_key
);
create index api_key_list on api_key (workspace_id, id);
create index api_key_maker on api_key (created_by);
`;

const protection = ['membership', 'project_grant', 'invitation', 'api_key']
  .map((table) => `select hive_protect_table('${table}');`)
  .join('\n');

/** Members and what they may, invitations, keys. */
export class Migration0005Access extends Migration {
  override up(): void {
    for (const part of [members, lastOwner, invitations, keys, protection]) this.addSql(part);
  }
}
