import { scopeOf } from '../../../tests/support/scopes.ts';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/database.ts';
import { silentLog } from '../../../tests/support/log.ts';
import { createProjectFixture, type ProjectFixture } from '../engines/data-processing/project-fixture.ts';
import { systemClock } from '../lib/clock.ts';
import { createContextManager, type ContextManager } from './context-manager.ts';

let database: TestDatabase;
let fixture: ProjectFixture;
let manager: ContextManager;
const operations: { operation: string; workspaceId: string }[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  fixture = createProjectFixture();
  manager = create();
});
afterEach(() => manager.idle());
afterAll(async () => {
  await manager.stop();
  fixture.remove();
  await database.drop();
});

function create(): ContextManager {
  const { orm, tenantPool, systemPool } = database;
  return createContextManager({
    orm,
    tenantPool,
    systemPool,
    clock: systemClock,
    onDenied: () => {},
    log: silentLog,
    folderOf: (id) =>
      Promise.resolve(
        id === database.workspaceId
          ? { slug: 'default', path: fixture.root }
          : { slug: 'design', path: undefined },
      ),
    onOperation: (operation) => void operations.push(operation),
  });
}
const scope = () => scopeOf(database.workspaceId);

async function events(
  subjectId: string,
): Promise<{ type: string; payload: { status: string; version: number } }[]> {
  const { rows } = await database.pool.query(
    'select type, payload from event where subject_id = $1 order by xid, seq',
    [subjectId],
  );
  return rows as { type: string; payload: { status: string; version: number } }[];
}

describe('projects', () => {
  it('registers the folder the server started in and indexes it', async () => {
    const project = await manager.ensureDefaultProject(scope());
    expect(project).toMatchObject({ rootPath: fixture.root, status: 'INDEXING' });
    await manager.idle();
    expect(await manager.findProject(scope(), project.id)).toMatchObject({
      status: 'READY',
      fileCount: 6,
      indexedFileCount: 6,
      failureCode: null,
      indexedAt: expect.any(String),
      contentHash: expect.any(String),
    });
    const log = await events(project.id);
    expect(log.map(({ type }) => type)).toEqual(['project.created', 'project.indexing', 'project.ready']);
    expect(log.map(({ payload }) => payload.version)).toEqual([1, 2, 3]);
    expect(operations[0]).toMatchObject({ operation: 'index.start', workspaceId: database.workspaceId });
  });

  it('finds the same project again on the next start', async () => {
    const first = await manager.ensureDefaultProject(scope());
    await manager.idle();
    expect((await manager.ensureDefaultProject(scope())).id).toBe(first.id);
    const { rows } = await database.pool.query(
      'select count(*)::int as count from project where root_path = $1',
      [fixture.root],
    );
    expect(rows).toEqual([{ count: 1 }]);
  });

  it('registers a folder below by a relative path, once', async () => {
    const project = await manager.registerProject(scope(), { rootPath: 'src', name: 'Programs' });
    expect(project).toMatchObject({ rootPath: join(fixture.root, 'src'), name: 'Programs' });
    await manager.idle();
    expect((await manager.registerProject(scope(), { rootPath: join(fixture.root, 'src') })).id).toBe(
      project.id,
    );
  });

  it.each([
    ['..', /outside/],
    ['/etc', /outside/],
    ['../elsewhere', /outside/],
    ['nowhere', /does not exist/],
    ['README.md', /not a folder/],
    ['leads-out', /outside/],
    ['', /must not be empty/],
    ['a\0b', /is not a path/],
  ])('refuses %j', async (rootPath, message) => {
    rmSync(join(fixture.root, 'leads-out'), { force: true });
    symlinkSync('/etc', join(fixture.root, 'leads-out'));
    await expect(manager.registerProject(scope(), { rootPath })).rejects.toMatchObject({
      code: 'VALIDATION',
      fields: [{ path: 'rootPath', message: expect.stringMatching(message) }],
    });
  });

  it('refuses a project of a workspace without a folder, naming the setting', async () => {
    const { rows } = await database.pool.query<{ id: string }>(
      `insert into workspace (slug, name) values ('design', 'Design') returning id`,
    );
    await expect(
      manager.registerProject(scopeOf(rows[0]!.id), { rootPath: fixture.root }),
    ).rejects.toMatchObject({
      fields: [{ message: expect.stringMatching(/HIVE_WORKSPACE_FOLDERS .*design=/) }],
    });
  });

  it('refuses a name that is too long', async () => {
    await expect(
      manager.registerProject(scope(), { rootPath: 'docs', name: 'x'.repeat(101) }),
    ).rejects.toMatchObject({ fields: [{ path: 'name' }] });
  });

  it('says NOT_FOUND for an unknown project and for what is no id', async () => {
    for (const projectId of ['00000000-0000-7000-8000-000000000000', 'x']) {
      await expect(manager.reindexProject(scope(), { projectId })).rejects.toMatchObject({
        code: 'NOT_FOUND',
      });
      expect(await manager.findProject(scope(), projectId)).toBeUndefined();
    }
  });

  it('reindexes what changed, and once more when asked in the middle', async () => {
    const project = await manager.ensureDefaultProject(scope());
    await manager.idle();
    writeFileSync(join(fixture.root, 'new.md'), '# New\n\nA new page for the shop.\n');
    const begun = await manager.reindexProject(scope(), { projectId: project.id });
    expect(begun.status).toBe('INDEXING');
    await manager.reindexProject(scope(), { projectId: project.id });
    await manager.idle();
    expect(await manager.findProject(scope(), project.id)).toMatchObject({
      status: 'READY',
      indexedFileCount: 7,
    });
  });

  it('does a repeated request with the same key once, and refuses the key for another', async () => {
    mkdirSync(join(fixture.root, 'keyed'));
    const register = () => manager.registerProject(scope(), { rootPath: 'keyed', idempotencyKey: 'k1' });
    const [first, second] = await Promise.all([register(), register()]);
    expect(second.id).toBe(first.id);
    await expect(
      manager.registerProject(scope(), { rootPath: 'docs', idempotencyKey: 'k1' }),
    ).rejects.toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' });
    await manager.idle();
    const reindex = () => manager.reindexProject(scope(), { projectId: first.id, idempotencyKey: 'k2' });
    await reindex();
    await manager.idle();
    const before = await events(first.id);
    await reindex();
    await manager.idle();
    expect(await events(first.id)).toEqual(before);
  });

  it('is FAILED with the reason when the folder is gone, and READY again when it is back', async () => {
    mkdirSync(join(fixture.root, 'gone'));
    const project = await manager.registerProject(scope(), { rootPath: 'gone' });
    await manager.idle();
    rmSync(join(fixture.root, 'gone'), { recursive: true });
    await manager.reindexProject(scope(), { projectId: project.id });
    await manager.idle();
    expect(await manager.findProject(scope(), project.id)).toMatchObject({
      status: 'FAILED',
      failureCode: 'NOT_FOUND',
      failureMessage: expect.stringContaining('gone'),
    });
    expect((await events(project.id)).at(-1)).toMatchObject({
      type: 'project.failed',
      payload: { status: 'FAILED' },
    });
    mkdirSync(join(fixture.root, 'gone'));
    await manager.reindexProject(scope(), { projectId: project.id });
    await manager.idle();
    expect(await manager.findProject(scope(), project.id)).toMatchObject({
      status: 'READY',
      failureCode: null,
    });
  });

  it('lets two servers on one database index a project one after the other', async () => {
    const other = create();
    const project = await manager.ensureDefaultProject(scope());
    await Promise.all([
      manager.reindexProject(scope(), { projectId: project.id }),
      other.reindexProject(scope(), { projectId: project.id }),
    ]);
    await Promise.all([manager.idle(), other.idle()]);
    expect(await manager.findProject(scope(), project.id)).toMatchObject({ status: 'READY' });
    const { rows } = await database.pool.query(
      `select path, count(*)::int as count from project_file where project_id = $1 group by path having count(*) > 1`,
      [project.id],
    );
    expect(rows).toEqual([]);
    await other.stop();
  });

  it('goes on after a stop in the middle', async () => {
    const stopped = create();
    const project = await stopped.ensureDefaultProject(scope());
    await stopped.stop();
    await database.pool.query(`update project set status = 'INDEXING' where id = $1`, [project.id]);
    await manager.resumeIndexing();
    await manager.idle();
    expect(await manager.findProject(scope(), project.id)).toMatchObject({ status: 'READY' });
  });
});
