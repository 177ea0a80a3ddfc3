import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Browser } from '../integration/identity/browser.ts';
import { requestData } from '../support/graphql-client.ts';
import { printedSetupPath, untilLive } from './account.ts';
import { install, type Installation } from './installation.ts';
import { openPhone, textOf, type Phone } from './phone.ts';

/** Each short enough for a name. `alert` and `pwned` are what a page would do that took one of them for its own. */
const attacks = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '"><svg onload=alert(1)>',
  '<iframe srcdoc="<script>parent.alert(1)</script>">',
  '<a href="javascript:alert(1)">x</a>',
  "<style>@import'//evil.example/x'</style>",
  '[x](javascript:alert(1)) ![x](//evil.example/x.png)',
  '${alert(1)} {{alert(1)}} <%= alert(1) %> #{7*7}',
  '\u202egnp.exe\u202c \u2066right\u2069 \u0000'.replace('\u0000', ''),
  '</title></textarea></script><base href=//evil.example>',
] as const;
/** For what may be long: all of them, and the ways to hide a link from whoever looks for "javascript:". */
const essay = [
  ...attacks,
  '[hidden](java\tscript:alert(1))',
  '[entity](&#106;avascript:alert(1))',
  '[data](data:text/html,<script>alert(1)</script>)',
  '[vb](vbscript:msgbox(1)) [file](file:///etc/passwd)',
  '<javascript:alert(1)> <https://evil.example/auto>',
  '![beacon](https://evil.example/beacon.png "onerror=alert(1)")',
  '[ref]: javascript:alert(1)',
  '[reference][ref]',
  '<details open ontoggle=alert(1)><math><mi xlink:href="javascript:alert(1)">',
  '<form action=//evil.example><input autofocus onfocus=alert(1)><button formaction=javascript:alert(1)>',
  '`</code><script>alert(1)</script>`',
  '```\n</code></pre><script>alert(1)</script>\n```',
  '# <img src=x onerror=alert(1)>',
  '| <script>alert(1)</script> | b |\n|---|---|\n| <img src=x onerror=alert(1)> | d |',
].join('\n\n');

let hive: Installation;
let headers: Record<string, string>;
let phone: Phone;
const ids: Record<string, string> = {};
const dialogs: string[] = [];

beforeAll(async () => {
  hive = await install();
  const { url } = hive.server;
  const owner = new Browser(url, { 'user-agent': attacks[1] });
  const token = (await printedSetupPath(hive)).split('token=')[1];
  const person = {
    token,
    name: `Ada ${attacks[1]}`,
    email: 'ada@hive.example',
    password: 'correct horse battery',
  };
  const made = await owner.post('/hive/setup', person);
  expect(made.status).toBe(200);
  headers = { cookie: owner.cookie, origin: url };
  await write(owner);
  const [name, value] = owner.cookie.split('=') as [string, string];
  const cookie = { name, value, domain: '127.0.0.1', path: '/', expires: -1 };
  phone = await openPhone(hive.browser, url, '/', {
    storageState: {
      cookies: [{ ...cookie, httpOnly: true, secure: false, sameSite: 'Lax' }],
      origins: [],
    },
  });
  phone.page.on('dialog', (dialog) => {
    dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  await untilLive(phone.page);
});
afterAll(() => hive?.stop());

type Made = Record<string, { __typename: string; id?: string; message?: string }>;
async function change(field: string, type: string, input: object, result: string): Promise<string> {
  const text = `mutation ($input: ${type}!) { ${field}(input: $input) { __typename ${result} ... on Error { message } } }`;
  const answer = (await requestData<Made>(hive.server.url, text, { input }, headers))[field]!;
  expect(answer.__typename, `${field}: ${answer.message}`).not.toMatch(/Error$/);
  return JSON.stringify(answer).match(/[A-Z]\w+:[0-9a-f-]{36}/)?.[0] ?? '';
}

/** Puts the attacks into every text that the API, the sign-in and the project's files take. */
async function write(owner: Browser): Promise<void> {
  const folder = join(hive.project.folder, attacks[1]);
  mkdirSync(folder);
  writeFileSync(join(folder, '<svg onload=alert(1)>.md'), `# ${attacks[0]}\n\n${essay}\n`);
  ids['project'] = await change(
    'registerProject',
    'RegisterProjectInput',
    { name: attacks[2], rootPath: attacks[1] },
    '... on Project { id }',
  );
  for (const [index, attack] of attacks.entries()) {
    await change(
      'createTask',
      'CreateTaskInput',
      { title: attack, instruction: attack, runAt: '2100-01-01T00:00:00Z' },
      '... on Task { id }',
    );
    await change(
      'createApiKey',
      'CreateApiKeyInput',
      { name: attack, role: 'VIEWER' },
      '... on ApiKeySecret { apiKey { id } }',
    );
    await change(
      'inviteMember',
      'InviteMemberInput',
      { role: 'VIEWER', note: attack },
      '... on InvitationLink { invitation { id } }',
    );
    ids['agent'] = await change(
      'registerAgent',
      'RegisterAgentInput',
      {
        name: attack,
        role: attacks[(index + 1) % attacks.length],
        kind: 'EXTRACTIVE',
        capabilities: ['never'],
        instructions: essay,
      },
      '... on Agent { id }',
    );
  }
  ids['task'] = await change(
    'createTask',
    'CreateTaskInput',
    { title: 'A long one', instruction: essay, runAt: '2100-01-01T00:00:00Z' },
    '... on Task { id }',
  );
  ids['goal'] = await change(
    'dispatchGoal',
    'DispatchGoalInput',
    { text: `Explain ${essay}`, projectId: ids['project'] },
    '... on Goal { id }',
  );
  const plan = await change(
    'dispatchGoal',
    'DispatchGoalInput',
    { text: 'Explain this', autoStart: false },
    '... on Goal { id }',
  );
  ids['plan'] = plan;
  await untilStatus(plan, 'AWAITING_ACCEPTANCE');
  const node = { id: 'a', title: attacks[0], instruction: essay, capabilities: [], dependsOn: [] };
  await change('editPlan', 'EditPlanInput', { goalId: plan, nodes: [node] }, '... on Goal { id }');
  const canceled = await change(
    'dispatchGoal',
    'DispatchGoalInput',
    { text: 'Stop this', autoStart: false },
    '... on Goal { id }',
  );
  await change(
    'cancelGoal',
    'CancelGoalInput',
    { goalId: canceled, reason: essay.slice(0, 1_000) },
    '... on Goal { id }',
  );
  ids['canceled'] = canceled;
  await change(
    'updateWorkspace',
    'UpdateWorkspaceInput',
    { name: attacks[0] },
    '... on WorkspaceMembership { workspaceId }',
  );
  await change(
    'createWorkspace',
    'CreateWorkspaceInput',
    { name: attacks[1], slug: 'second' },
    '... on WorkspaceMembership { workspaceId }',
  );
  const { token } = (await owner.post('/hive/pair/start')).body as { token: string };
  const device = new Browser(hive.server.url, { 'user-agent': attacks[2] });
  expect((await device.post('/hive/pair/claim', { token, deviceName: attacks[0] })).status).toBe(200);
  await untilStatus(ids['goal']!, 'SUCCEEDED');
  await answerWithAttacks();
}

/** As if a model, or a page that it read, had answered so; what was made so far has gone through the API. */
async function answerWithAttacks(): Promise<void> {
  const client = new pg.Client({ connectionString: hive.databaseUrl });
  await client.connect();
  const citation = {
    marker: 1,
    url: 'javascript:alert(1)',
    path: null,
    startLine: null,
    endLine: null,
    quote: essay,
  };
  await client.query('update output set text = $1, citations = $2, notice = $3', [
    `${essay} [1]`,
    JSON.stringify([
      citation,
      { ...citation, marker: 2, url: null, path: attacks[1], startLine: 1, endLine: 1 },
    ]),
    attacks[0],
  ]);
  await client.query('update step set name = $1, notes = $2', [attacks[1], [...attacks]]);
  await client.query(`update crew set name = $1, description = $2`, [attacks[0], essay]);
  await client.end();
}

function untilStatus(id: string, status: string): Promise<void> {
  const text = 'query ($id: ID!) { goal(id: $id) { status } }';
  return vi.waitFor(
    async () => {
      const { goal } = await requestData<{ goal: { status: string } }>(
        hive.server.url,
        text,
        { id },
        headers,
      );
      if (goal.status !== status) throw new Error(`the goal is ${goal.status}`);
    },
    { timeout: 60_000, interval: 100 },
  );
}

it('what is a name of ours takes no markup', async () => {
  const text = 'mutation ($input: SetSecretInput!) { setSecret(input: $input) { __typename } }';
  for (const name of attacks) {
    const answer = await requestData<Made>(hive.server.url, text, { input: { name, value: 'x' } }, headers);
    expect(answer['setSecret']!.__typename).toBe('ValidationError');
  }
  const slug = 'mutation ($input: CreateWorkspaceInput!) { createWorkspace(input: $input) { __typename } }';
  const answer = await requestData<Made>(
    hive.server.url,
    slug,
    { input: { name: 'x', slug: attacks[0] } },
    headers,
  );
  expect(answer['createWorkspace']!.__typename).toBe('ValidationError');
});

/** Everything on the page that could act, wherever it hides. */
const livingMarkup = (page: Page) =>
  page.evaluate(() => {
    const found: string[] = [];
    const look = (root: ParentNode) => {
      for (const element of root.querySelectorAll('*')) {
        for (const { name, value } of element.attributes) {
          if (/^on/i.test(name)) found.push(`${element.localName}[${name}]`);
          if (
            /^(href|src|action|formaction|xlink:href|srcdoc)$/i.test(name) &&
            /^\s*(javascript|vbscript|data:text|file):?/i.test(value)
          )
            found.push(`${element.localName}[${name}=${value}]`);
          if (/^(src|srcset|poster|action|formaction)$/i.test(name) && value.includes('evil.example'))
            found.push(`${element.localName}[${name}=${value}]`);
        }
        if (
          ['iframe', 'object', 'embed', 'base', 'math', 'script'].includes(element.localName) &&
          !(element instanceof HTMLScriptElement && element.src.startsWith(location.origin))
        )
          found.push(element.localName);
        // A link elsewhere must be one that somebody follows knowingly, and must not tell where they came from.
        if (
          element instanceof HTMLAnchorElement &&
          element.host !== location.host &&
          !/noopener|noreferrer/.test(element.rel)
        )
          found.push(`a[href=${element.href}] without rel`);
        if (element.shadowRoot) look(element.shadowRoot);
      }
    };
    look(document);
    return found;
  });

async function openAll(page: Page): Promise<void> {
  await page.evaluate(() => {
    const open = (root: ParentNode) => {
      for (const each of root.querySelectorAll('*')) {
        if (each instanceof HTMLDetailsElement) each.open = true;
        if (each.shadowRoot) open(each.shadowRoot);
      }
    };
    open(document);
  });
}

const at = (prefix: string, name: string) => () => `${prefix}/${encodeURIComponent(ids[name]!)}`;
const plain = (text: string) => text.replace(/\s+/g, ' ').trim();

describe('markup in what people wrote is text', () => {
  it.each<[string, () => string, readonly string[]]>([
    ['the start page', () => '/', []],
    ['work', () => '/work', []],
    ['tasks', () => '/work/tasks', attacks],
    ['a goal', at('/work/goals', 'goal'), attacks.slice(0, 4)],
    ['a goal that was stopped', at('/work/goals', 'canceled'), attacks.slice(0, 4)],
    ['a plan to decide about', at('/dispatch', 'plan'), attacks.slice(0, 1)],
    ['a task', at('/work/tasks', 'task'), attacks],
    ['the fleet', () => '/fleet', attacks],
    ['an agent', at('/fleet', 'agent'), [attacks.at(-1)!]],
    ['settings', () => '/settings', []],
    ['security', () => '/settings/security', []],
    ['sessions', () => '/settings/sessions', [attacks[0]]],
    ['the workspace', () => '/settings/workspace', []],
    ['members and invitations', () => '/settings/members', attacks],
    ['keys', () => '/settings/keys', attacks],
    ['the audit trail', () => '/settings/audit', [attacks[1]]],
    ['projects', () => '/settings/projects', [attacks[2]]],
    ['privacy', () => '/settings/privacy', []],
    ['models', () => '/settings/models', []],
    ['about', () => '/settings/about', []],
  ])('on %s', async (_, path, shown) => {
    const { page } = phone;
    await page.goto(path());
    await page.getByRole('heading', { level: 1 }).waitFor();
    await untilLive(page);
    await expect.poll(() => page.locator('hive-skeleton').count()).toBe(0);
    await openAll(page);
    for (const text of shown)
      await expect
        .poll(async () => (await textOf(page.locator('hive-app'))).includes(plain(text)), { message: text })
        .toBe(true);
    await openAll(page);
    expect(await livingMarkup(page)).toEqual([]);
    expect(dialogs).toEqual([]);
  });

  it('and nothing of it acted, asked for anything elsewhere or went against the policy', async () => {
    expect(await phone.page.evaluate(() => 'pwned' in globalThis)).toBe(false);
    expect(dialogs).toEqual([]);
    await phone.close();
  });
});
