import { Migration } from '@mikro-orm/migrations';

const projectIndex = `
-- hash over the hashes of all indexed files; plans are cached for one state of the content
alter table project add column content_hash text;

create table project_file (
  id uuid primary key default uuidv7(),
  workspace_id uuid not null references workspace,
  project_id uuid not null references project on delete cascade,
  path text not null check (path <> '' and path not like '/%'),
  content_hash text not null,
  byte_count int not null check (byte_count >= 0),
  line_count int not null check (line_count >= 0),
  language text not null,
  kind text not null check (kind in ('CODE', 'PROSE', 'CONFIG')),
  -- one sentence of the file about itself: {text, quote, startLine, endLine}
  summary jsonb,
  indexed_at timestamptz not null default now(),
  unique (project_id, path)
);

create table project_chunk (
  id uuid primary key default uuidv7(),
  workspace_id uuid not null references workspace,
  project_id uuid not null references project on delete cascade,
  file_id uuid not null references project_file on delete cascade,
  title text not null default '',
  start_line int not null check (start_line >= 1),
  end_line int not null,
  content text not null,
  search tsvector not null,
  check (end_line >= start_line)
);
create index project_chunk_search on project_chunk using gin (search);
create index project_chunk_file on project_chunk (file_id, start_line);
create index project_chunk_project on project_chunk (project_id);
`;

const planCache = `
create table plan_cache (
  id uuid primary key default uuidv7(),
  workspace_id uuid not null references workspace,
  -- hash of normalised goal text, project, crew and provider identity
  key text not null,
  -- content_hash of the project the plan was made for; '' without a project
  content_hash text not null default '',
  goal_text text not null,
  graph jsonb not null,
  source text not null check (source in ('MODEL', 'RECIPE')),
  recipe text,
  provider text not null,
  created_at timestamptz not null default now(),
  unique (workspace_id, key)
);
`;

/** Full-text index of project files, and the cache of plans. */
export class Migration0002ProjectIndex extends Migration {
  override up(): void {
    for (const part of [projectIndex, planCache]) this.addSql(part);
  }
}
