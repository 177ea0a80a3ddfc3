import { Migration } from '@mikro-orm/migrations';

// The columns are those better-auth wants (identity/auth-schema.ts names them, a test compares), and a few of our own.
const people = `
create schema identity;

create table identity."user" (
  id uuid primary key default uuidv7(),
  name text not null check (char_length(name) between 1 and 200),
  email text not null unique check (email = lower(email)),
  email_verified boolean not null default false,
  image text,
  two_factor_enabled boolean default false,
  erased_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table identity.session (
  id uuid primary key default uuidv7(),
  user_id uuid not null references identity."user" on delete cascade,
  token text not null unique,
  expires_at timestamptz not null,
  ip_address text,
  user_agent text,
  -- PASSWORD, PASSKEY, RECOVERY, PAIRING, INVITATION, SETUP or OAUTH:<provider>
  method text,
  device_name text,
  -- when a passkey or one-time password was last used
  stepped_up_at timestamptz,
  -- when the person last proved by anything at all that it is them
  proven_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index session_of_user on identity.session (user_id);
create index session_expiry on identity.session (expires_at);
`;

const credentials = `
create table identity.account (
  id uuid primary key default uuidv7(),
  user_id uuid not null references identity."user" on delete cascade,
  account_id text not null,
  provider_id text not null,
  access_token text,
  refresh_token text,
  id_token text,
  access_token_expires_at timestamptz,
  refresh_token_expires_at timestamptz,
  scope text,
  password text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (provider_id, account_id)
);
create index account_user on identity.account (user_id);

create table identity.verification (
  id uuid primary key default uuidv7(),
  identifier text not null,
  value text not null,
  expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index verification_identifier on identity.verification (identifier);
create index verification_expiry on identity.verification (expires_at);

create table identity.passkey (
  id uuid primary key default uuidv7(),
  user_id uuid not null references identity."user" on delete cascade,
  name text,
  public_key text not null,
  credential_id text not null unique,
  counter bigint not null,
  device_type text not null,
  backed_up boolean not null,
  transports text,
  aaguid text,
  created_at timestamptz default now()
);
create index passkey_user on identity.passkey (user_id);

create table identity.two_factor (
  id uuid primary key default uuidv7(),
  user_id uuid not null unique references identity."user" on delete cascade,
  secret text not null,
  backup_codes text not null,
  verified boolean default true,
  failed_verification_count int default 0,
  locked_until timestamptz
);

-- a one-time password counts once
create table identity.totp_use (
  user_id uuid not null references identity."user" on delete cascade,
  counter bigint not null,
  primary key (user_id, counter)
);

create table identity.jwks (
  id uuid primary key default uuidv7(),
  public_key text not null,
  private_key text not null,
  alg text,
  crv text,
  created_at timestamptz not null default now(),
  expires_at timestamptz
);
`;

// Of every token only its SHA-256 is here.
const tokens = `
create table identity.setup_token (
  id uuid primary key default uuidv7(),
  token_hash text not null unique,
  -- set from the moment an account belongs to it: the one it made, or the owner whose credentials were reset
  user_id uuid references identity."user" on delete cascade,
  expires_at timestamptz not null,
  used_at timestamptz,
  created_at timestamptz not null default now()
);

create table identity.pairing (
  id uuid primary key default uuidv7(),
  token_hash text not null unique,
  user_id uuid not null references identity."user" on delete cascade,
  -- the device that shows the code: when it is signed out, the code ends
  session_id uuid not null references identity.session on delete cascade,
  expires_at timestamptz not null,
  claimed_at timestamptz,
  claimed_session_id uuid,
  created_at timestamptz not null default now()
);
create index pairing_user on identity.pairing (user_id);
create index pairing_session on identity.pairing (session_id);

create table identity.recovery_code (
  id uuid primary key default uuidv7(),
  user_id uuid not null references identity."user" on delete cascade,
  code_hash text not null,
  used_at timestamptz,
  created_at timestamptz not null default now(),
  unique (user_id, code_hash)
);
`;

// Whoever handles requests of a workspace never reads a credential.
const rights = `
revoke all on schema identity from public;
grant usage on schema identity to hive_system;
grant select, insert, update, delete on all tables in schema identity to hive_system;
`;

/** People, their credentials and sessions: a schema of its own that only the identity service reads. */
export class Migration0004Identity extends Migration {
  override up(): void {
    for (const part of [people, credentials, tokens, rights]) this.addSql(part);
  }
}
