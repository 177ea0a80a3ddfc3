import { Migration } from '@mikro-orm/migrations';

/** What the session says of itself, transaction by transaction. Unset and empty mean nothing at all. */
const settings = `
create function hive_workspace_id() returns uuid language sql stable parallel safe
  return nullif(current_setting('hive.workspace_id', true), '')::uuid;
create function hive_project_ids() returns uuid[] language sql stable parallel safe
  return nullif(current_setting('hive.project_ids', true), '')::uuid[];
`;

/**
 * Whether a session limited to projects sees what a row hangs on. They read with the rights of the caller, so the policies of goal, task
 * and workflow_run answer. Each exists twice: 'hive_sees_…' is stable and sees what the statement sees; 'hive_writes_…' is
 * volatile and sees rows that the statement itself has just written, because a task and its event are one statement.
 */
const reach = ['sees', 'writes']
  .map((verb) => {
    const volatility = verb === 'sees' ? 'stable' : 'volatile';
    const exists = (table: string) => `
create function hive_${verb}_${table}(row_id uuid) returns boolean language sql ${volatility} parallel safe
  begin atomic select exists (select from ${table} where id = row_id); end;`;
    return `${['goal', 'task', 'workflow_run'].map(exists).join('')}
create function hive_${verb}_event(type text, subject_id uuid, goal_id uuid) returns boolean
language plpgsql ${volatility} parallel safe as $$
begin
  if goal_id is not null then return hive_${verb}_goal(goal_id); end if;
  case split_part(type, '.', 1)
    when 'task' then return hive_${verb}_task(subject_id);
    when 'goal' then return hive_${verb}_goal(subject_id);
    when 'workflow_run' then return hive_${verb}_workflow_run(subject_id);
    when 'project' then return subject_id = any (hive_project_ids());
    -- what belongs to no project by nature
    when 'agent', 'crew', 'workspace' then return true;
    else return false;
  end case;
end $$;`;
  })
  .join('\n');

/**
 * The one way to put a table under row-level security. What a table hangs on is read from its columns: a project by project_id,
 * or through its task or goal.
 *
 * Access limited to projects is a role of its own, which has what hive_tenant has less what a restrictive policy takes. A
 * condition "no limit or …" in the policy of hive_tenant would cost every statement of everybody: a third of the planning of a
 * look-up by id, and index-only scans.
 */
const protect = `
create function hive_protect_table(target regclass, privileges text default 'select,insert,update,delete') returns void
language plpgsql set search_path = pg_catalog, public, pg_temp as $$
declare
  columns text[] := array(
    select attname from pg_attribute where attrelid = target and attnum > 0 and not attisdropped);
  -- The roles reach a partition through its parent; what protects it here is for who reaches it by name.
  is_partition boolean := (select relispartition from pg_class where oid = target);
  own text := 'workspace_id = hive_workspace_id()';
  seen text;
begin
  if target = 'workspace'::regclass then
    own := 'id = hive_workspace_id()';
  elsif not 'workspace_id' = any (columns) then
    raise exception 'hive_protect_table: table % has no column workspace_id', target;
  end if;
  -- As a subquery the list is read once a statement, not once a row.
  if target = 'project'::regclass then seen := 'id = any ((select hive_project_ids())::uuid[])';
  -- Says nothing of its project; only the hive itself reads it.
  elsif target = 'plan_cache'::regclass then seen := 'false';
  elsif 'project_id' = any (columns) then seen := 'project_id = any ((select hive_project_ids())::uuid[])';
  elsif columns @> '{type,subject_id,goal_id}' then seen := 'hive_sees_event(type, subject_id, goal_id)';
  elsif 'task_id' = any (columns) then seen := 'hive_sees_task(task_id)';
  elsif 'goal_id' = any (columns) then seen := 'hive_sees_goal(goal_id)';
  end if;
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format('drop policy if exists hive_tenant on %s', target);
  execute format('drop policy if exists hive_limited on %s', target);
  execute format('drop policy if exists hive_system on %s', target);
  execute format('create policy hive_tenant on %s to hive_tenant using (%s) with check (%2$s)', target, own);
  execute format('create policy hive_system on %s to hive_system using (true) with check (true)', target);
  if seen is not null then
    execute format('create policy hive_limited on %s as restrictive to hive_limited using (%s) with check (%s)',
      target, seen, replace(seen, 'hive_sees_', 'hive_writes_'));
  end if;
  execute format('revoke all on %s from public, hive_tenant, hive_limited, hive_system', target);
  if privileges <> '' and not is_partition then
    execute format('grant %s on %s to hive_tenant, hive_system', privileges, target);
  end if;
end $$;
revoke execute on function hive_protect_table from public;
`;

const protectedTables = [
  ...['crew', 'agent', 'project', 'goal', 'workflow_run', 'task', 'task_dependency', 'attempt', 'step'],
  ...['output', 'output_chunk', 'event', 'idempotency_key', 'project_file', 'project_chunk', 'plan_cache'],
];

const protection = `
grant usage on schema public to hive_tenant, hive_system;
${protectedTables.map((table) => `select hive_protect_table('${table}');`).join('\n')}
select hive_protect_table(inhrelid::regclass) from pg_inherits where inhparent = 'event'::regclass;
select hive_protect_table('workspace', 'select,update');
grant insert, delete on workspace to hive_system;
-- Written by retention only, which is a function of the owner.
grant select on event_floor to hive_tenant, hive_system;
`;

/**
 * What the running server needs the owner for: partitions are created and dropped while it runs, and the sessions of others are
 * shown to their own roles only. Run with the rights of the owner, for hive_system alone.
 */
const ownersWork = `
create function hive_ensure_event_partitions(today timestamptz, days_ahead int) returns void
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  since timestamptz;
  name text;
begin
  if days_ahead not between 0 and 31 then raise exception 'days_ahead must be 0 to 31, is %', days_ahead; end if;
  for ahead in 0..days_ahead loop
    since := date_trunc('day', today, 'UTC') + ahead * interval '24 hours';
    name := 'event_' || to_char(since at time zone 'UTC', 'YYYYMMDD');
    continue when to_regclass('public.' || name) is not null;
    -- Two servers starting together would both find it missing. Before anything is read: whoever makes a partition excludes all
    -- readers of the default one, and would wait for a reader that waits for this lock.
    perform pg_advisory_xact_lock(4851302176);
    -- A day that already has rows in the default partition (the server was off when it should have been made) stays there.
    continue when to_regclass('public.' || name) is not null
      or exists (select from event_default where at >= since and at < since + interval '24 hours');
    execute format('create table public.%I partition of public.event for values from (%L) to (%L)',
      name, since, since + interval '24 hours');
    perform hive_protect_table(('public.' || name)::regclass);
  end loop;
end $$;

create function hive_drop_event_partition(name text) returns void
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  if name !~ '^event_[0-9]{8}$' then raise exception '% is no partition of the event log', name; end if;
  perform pg_advisory_xact_lock(4851302176);
  -- Another server may have just dropped it.
  if not exists (
    select from pg_inherits where inhparent = 'public.event'::regclass and inhrelid = to_regclass('public.' || name)
  ) then return; end if;
  execute format('update event_floor f set xid = m.xid, seq = m.seq
    from (select xid, seq from public.%I order by xid desc, seq desc limit 1) m where (m.xid, m.seq) > (f.xid, f.seq)', name);
  execute format('drop table public.%I', name);
end $$;

create function hive_event_horizon_age_ms() returns double precision
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
  select extract(epoch from clock_timestamp() - min(xact_start))::double precision * 1000
  from pg_stat_activity where backend_xid is not null and pid <> pg_backend_pid();
end;

revoke execute on function hive_ensure_event_partitions, hive_drop_event_partition, hive_event_horizon_age_ms from public;
grant execute on function hive_ensure_event_partitions, hive_drop_event_partition, hive_event_horizon_age_ms to hive_system;
`;

/**
 * Workspaces kept apart by the database. The roles hive_tenant, hive_limited and hive_system belong to the whole cluster
 * and not to this database, so they are made before the migrations run (database/roles.ts).
 */
export class Migration0003Tenancy extends Migration {
  override up(): void {
    for (const part of [settings, reach, protect, protection, ownersWork]) this.addSql(part);
  }
}
