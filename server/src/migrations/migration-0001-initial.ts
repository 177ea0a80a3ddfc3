import { Migration } from '@mikro-orm/migrations';

const workspaceAndAgents = `
create table workspace (
  id uuid primary key default uuidv7(),
  slug text not null unique check (slug ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
  name text not null,
  created_at timestamptz not null default now()
);
insert into workspace (slug, name) values ('default', 'My hive');

create table crew (
  id uuid primary key default uuidv7(),
  workspace_id uuid not null references workspace,
  name text not null check (char_length(name) between 1 and 100),
  description text not null default '',
  created_at timestamptz not null default now(),
  unique (workspace_id, name)
);

create table agent (
  id uuid primary key default uuidv7(),
  workspace_id uuid not null references workspace,
  crew_id uuid references crew on delete set null,
  name text not null check (char_length(name) between 1 and 100),
  role text not null check (char_length(role) between 1 and 100),
  kind text not null check (kind in ('LLM', 'EXTRACTIVE', 'ACP', 'REMOTE')),
  status text not null default 'OFFLINE' check (status in ('OFFLINE', 'IDLE', 'BUSY', 'PAUSED', 'ERROR', 'RETIRED')),
  instructions text not null default '',
  capabilities text[] not null default '{}',
  max_concurrency int not null default 2 check (max_concurrency between 1 and 10000),
  breaker_state text not null default 'CLOSED' check (breaker_state in ('CLOSED', 'OPEN', 'HALF_OPEN')),
  breaker_failures int not null default 0,
  breaker_opened_at timestamptz,
  breaker_retry_at timestamptz,
  succeeded_count int not null default 0,
  failed_count int not null default 0,
  average_latency_ms double precision,
  last_heartbeat_at timestamptz,
  version int not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
-- a retired agent leaves its name to a successor
create unique index agent_name on agent (workspace_id, name) where status <> 'RETIRED';
create index agent_crew on agent (crew_id);
`;

const projects = `
create table project (
  id uuid primary key default uuidv7(),
  workspace_id uuid not null references workspace,
  name text not null check (char_length(name) between 1 and 100),
  root_path text not null,
  status text not null default 'INDEXING' check (status in ('INDEXING', 'READY', 'FAILED')),
  file_count int not null default 0,
  indexed_file_count int not null default 0,
  skipped_file_count int not null default 0,
  chunk_count int not null default 0,
  byte_count bigint not null default 0,
  failure_code text,
  failure_message text,
  indexed_at timestamptz,
  version int not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (workspace_id, root_path)
);
`;

const goalsAndTasks = `
create table goal (
  id uuid primary key default uuidv7(),
  workspace_id uuid not null references workspace,
  project_id uuid references project,
  crew_id uuid references crew on delete set null,
  text text not null check (char_length(text) between 1 and 20000),
  status text not null default 'PLANNING'
    check (status in ('PLANNING', 'AWAITING_ACCEPTANCE', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELED')),
  auto_start boolean not null default true,
  plan jsonb,
  plan_source text check (plan_source in ('MODEL', 'RECIPE', 'EDITED')),
  plan_cached boolean not null default false,
  plan_recipe text,
  uses_language_model boolean not null default false,
  failure_code text,
  failure_message text,
  version int not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz,
  check (status in ('PLANNING', 'FAILED', 'CANCELED') or plan is not null)
);
create index goal_list on goal (workspace_id, id);
create index goal_status on goal (workspace_id, status, id);

create table workflow_run (
  id uuid primary key default uuidv7(),
  workspace_id uuid not null references workspace,
  goal_id uuid references goal,
  graph jsonb not null,
  status text not null default 'RUNNING' check (status in ('RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELED')),
  total_count int not null check (total_count >= 1),
  -- tasks that are QUEUED, RUNNING or WAITING. Kept here, and moved in the statement that moves a task, so that two nodes
  -- finishing the last two tasks at once cannot both think the other one is still running. The run ends at 0.
  active_count int not null check (active_count >= 0),
  failed_count int not null default 0 check (failed_count >= 0),
  canceled_count int not null default 0 check (canceled_count >= 0),
  version int not null default 1,
  created_at timestamptz not null default now(),
  finished_at timestamptz
);
create index workflow_run_list on workflow_run (workspace_id, id);
create index workflow_run_goal on workflow_run (goal_id);

create table task (
  id uuid primary key default uuidv7(),
  workspace_id uuid not null references workspace,
  workflow_run_id uuid references workflow_run,
  goal_id uuid references goal,
  project_id uuid references project,
  crew_id uuid references crew on delete set null,
  node_id text not null,
  kind text not null default 'AGENT',
  title text not null,
  instruction text not null,
  input jsonb not null default '{}',
  required_capabilities text[] not null default '{}',
  -- required_capabilities sorted and joined, with the crew in front when one is bound: what a claim asks for
  queue_key text not null,
  status text not null check (status in ('BLOCKED', 'QUEUED', 'RUNNING', 'WAITING', 'SUCCEEDED', 'FAILED', 'CANCELED')),
  priority int not null default 0,
  run_at timestamptz not null default now(),
  attempt int not null default 0,
  max_attempts int not null default 3 check (max_attempts >= 1),
  -- leases that ran out: not the task's fault, so each grants one more attempt, up to a bound
  lost_attempts int not null default 0,
  retry_limit int not null default 3 check (retry_limit between 1 and 100),
  backoff_initial_ms int not null default 1000,
  backoff_factor double precision not null default 2,
  backoff_max_ms int not null default 60000,
  timeout_ms int not null default 600000 check (timeout_ms between 1 and 86400000),
  -- No foreign key: only a claim sets it, to an agent it has just read, and agents are retired, never deleted. The check
  -- cost 10% of a task and locked the agent's row, which every claim shares.
  agent_id uuid,
  lease_owner text,
  lease_expires_at timestamptz,
  attempt_started_at timestamptz,
  -- who had the lease of the attempt that succeeded
  last_owner text,
  pending_dependencies int not null default 0 check (pending_dependencies >= 0),
  wait_reason text,
  routing_note text,
  failure_code text,
  failure_message text,
  version int not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz,
  check ((status = 'RUNNING') = (lease_owner is not null)),
  check (status <> 'BLOCKED' or pending_dependencies > 0)
)
-- Every task is updated at least twice. Room for that on its own page saves a seventh of the log a task writes, and leaves no
-- trail of dead rows behind.
with (fillfactor = 45);
create index task_ready on task (workspace_id, queue_key, priority desc, run_at, id) where status = 'QUEUED';
-- Finds expired leases, too: running tasks are few, and without the expiry in any index its extension is a HOT update.
create index task_running on task (agent_id) where status = 'RUNNING';
create unique index task_run_node on task (workflow_run_id, node_id) where workflow_run_id is not null;
create index task_goal on task (goal_id, id) where goal_id is not null;
-- what people look for in a long list, off the hot path of QUEUED, RUNNING and SUCCEEDED
create index task_attention on task (workspace_id, status, id) where status in ('BLOCKED', 'WAITING', 'FAILED', 'CANCELED');

create table task_dependency (
  workspace_id uuid not null,
  task_id uuid not null references task on delete cascade,
  depends_on_task_id uuid not null references task on delete cascade,
  primary key (task_id, depends_on_task_id),
  check (task_id <> depends_on_task_id)
);
create index task_dependency_reverse on task_dependency (depends_on_task_id, task_id);

-- Attempts that ended otherwise than by success. The running one and the successful one, always the last, are the task row
-- itself: most tasks succeed at once and cost no row here.
-- No foreign key, as for events: rows come only from the statement that updates their task, and the check, a query a row,
-- cost 10% of a task.
create table attempt (
  task_id uuid not null,
  number int not null,
  workspace_id uuid not null,
  agent_id uuid,
  lease_owner text not null,
  status text not null check (status in ('FAILED', 'LOST', 'CANCELED', 'WAITING', 'RELEASED')),
  failure_code text,
  failure_message text,
  started_at timestamptz not null,
  finished_at timestamptz not null default clock_timestamp(),
  primary key (task_id, number)
);

create table step (
  id uuid primary key default uuidv7(),
  workspace_id uuid not null,
  task_id uuid not null references task on delete cascade,
  position int not null check (position >= 0),
  input_hash text not null,
  attempt int not null,
  kind text not null check (kind in ('LLM', 'TOOL')),
  name text not null,
  idempotent boolean not null,
  status text not null check (status in ('RUNNING', 'SUCCEEDED', 'FAILED')),
  input jsonb not null,
  output jsonb,
  streamed_text text,
  notes text[] not null default '{}',
  failure_code text,
  failure_message text,
  provider text,
  model text,
  input_tokens int,
  output_tokens int,
  cost_micro_usd bigint,
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  unique (task_id, position, input_hash)
);

create table output (
  id uuid primary key default uuidv7(),
  workspace_id uuid not null,
  task_id uuid not null unique references task on delete cascade,
  attempt int not null,
  text text not null default '',
  data jsonb,
  citations jsonb not null default '[]',
  extractive boolean not null default false,
  notice text,
  provider text not null default '',
  model text,
  created_at timestamptz not null default now()
);

create table output_chunk (
  workspace_id uuid not null,
  task_id uuid not null references task on delete cascade,
  attempt int not null,
  start_offset int not null check (start_offset >= 0),
  text text not null,
  primary key (task_id, attempt, start_offset)
);
`;

const eventsAndKeys = `
-- Partitioned by time so that retention drops partitions. Not referenced by foreign keys: history outlives its subject.
create table event (
  -- Order matters inside one transaction only, so each session may take its numbers a thousand at a time.
  seq bigint generated always as identity (cache 1000),
  xid xid8 not null default pg_current_xact_id(),
  at timestamptz not null default now(),
  workspace_id uuid not null,
  subject_id uuid not null,
  type text not null,
  -- What every move of a task, goal or run says, in columns: 75 bytes less than as jsonb. A version makes them count.
  status text,
  version int,
  attempt int,
  agent_id uuid,
  goal_id uuid,
  -- whatever else an event says
  detail jsonb,
  payload jsonb not null generated always as (
    case when version is null then coalesce(detail, '{}')
    else ('{"status":"' || status || '","version":' || version::text || coalesce(',"attempt":' || attempt::text, '')
      || coalesce(',"agentId":"' || agent_id::text || '"', '') || '}')::jsonb || coalesce(detail, '{}') end
  ) virtual
) partition by range (at);
create index event_cursor on event (xid, seq);
-- Ids are made in the order of time, so a subject's events lie close together; at a tenth of a btree's cost. Rows since the
-- last vacuum are in no summary yet and are looked through.
create index event_subject on event using brin (subject_id uuid_bloom_ops) with (pages_per_range = 32);
create index event_goal on event (goal_id) where goal_id is not null;
create table event_default partition of event default;

-- how far retention has deleted: a cursor behind it can no longer be resumed without a gap
create table event_floor (
  singleton boolean primary key default true check (singleton),
  xid xid8 not null default '0',
  seq bigint not null default 0
);
insert into event_floor default values;

create table idempotency_key (
  workspace_id uuid not null references workspace,
  operation text not null,
  key text not null check (char_length(key) between 1 and 200),
  input_hash text not null,
  result_id uuid not null,
  created_at timestamptz not null default now(),
  primary key (workspace_id, operation, key)
);
create index idempotency_key_age on idempotency_key (created_at);
`;

/** Everything one goal needs, end to end. */
export class Migration0001Initial extends Migration {
  override up(): void {
    for (const part of [workspaceAndAgents, projects, goalsAndTasks, eventsAndKeys]) this.addSql(part);
  }
}
