/** `pnpm dependencies`: what the packages this project is built on bring with them, judged by policy.json. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { z } from 'zod';
import { judge, policySchema, severities, type Advisory, type Facts } from './judge.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const pnpm = ['-y', 'pnpm@12.21.0'];

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({
      resolution: z.object({ integrity: z.string().optional(), tarball: z.string().optional() }),
      deprecated: z.string().optional(),
    }),
  ),
});
const workspaceSchema = z.object({ allowBuilds: z.record(z.string(), z.boolean()).default({}) });
const auditSchema = z.object({
  advisories: z.record(
    z.string(),
    z.object({
      github_advisory_id: z.string().nullish(),
      id: z.union([z.string(), z.number()]).nullish(),
      module_name: z.string(),
      severity: z.enum(severities),
      title: z.string(),
      vulnerable_versions: z.string().default('*'),
      patched_versions: z.string().nullish(),
      url: z.string().default(''),
    }),
  ),
});
const licensesSchema = z.record(z.string(), z.array(z.object({ name: z.string() })));

/** pnpm ends with an error when it finds something: what it printed counts. */
async function run(args: readonly string[]): Promise<string> {
  const options = { cwd: root, maxBuffer: 64 * 1_048_576, timeout: 120_000 };
  try {
    return (await promisify(execFile)('npx', [...pnpm, ...args], options)).stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    return stdout.trim() === '' ? stderr : stdout;
  }
}

async function readAdvisories(): Promise<Pick<Facts, 'advisories' | 'advisoriesUnread'>> {
  const text = await run(['audit', '--json']);
  const parsed = auditSchema.safeParse(jsonIn(text));
  if (!parsed.success) {
    const reason = /ERR_PNPM\w+|responded with \d+/.exec(text)?.[0] ?? 'no answer that could be read';
    return { advisories: [], advisoriesUnread: `the registry's advisory service gave ${reason}.` };
  }
  const advisories = Object.values(parsed.data.advisories).map((found): Advisory => ({
    id: found.github_advisory_id ?? String(found.id ?? found.url),
    package: found.module_name,
    severity: found.severity,
    title: found.title,
    vulnerable: found.vulnerable_versions,
    patched: found.patched_versions ?? null,
    url: found.url,
  }));
  return { advisories, advisoriesUnread: undefined };
}

async function readLicenses(): Promise<Facts['licenses']> {
  const byLicense = licensesSchema.parse(jsonIn(await run(['-r', 'licenses', 'list', '--json'])));
  return Object.entries(byLicense).flatMap(([license, packages]) =>
    packages.map(({ name }) => ({ package: name, license })),
  );
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text.slice(text.indexOf('{')));
  } catch {
    return undefined;
  }
}

function readYaml<Schema extends z.ZodType>(schema: Schema, file: string): z.output<Schema> {
  return schema.parse(parse(readFileSync(`${root}/${file}`, 'utf8')));
}

async function main(): Promise<void> {
  const policy = policySchema.parse(
    JSON.parse(readFileSync(new URL('policy.json', import.meta.url), 'utf8')),
  );
  const lock = Object.entries(readYaml(lockSchema, 'pnpm-lock.yaml').packages);
  const { allowBuilds } = readYaml(workspaceSchema, 'pnpm-workspace.yaml');
  const [advisories, licenses] = await Promise.all([readAdvisories(), readLicenses()]);
  const facts: Facts = {
    today: new Date().toISOString().slice(0, 10),
    ...advisories,
    licenses,
    deprecated: lock.flatMap(([name, { deprecated }]) =>
      deprecated ? [{ package: name, reason: deprecated }] : [],
    ),
    unverified: lock.flatMap(([name, { resolution }]) =>
      resolution.integrity && !resolution.tarball ? [] : [name],
    ),
    buildScripts: Object.keys(allowBuilds).filter((name) => allowBuilds[name]),
  };
  const { violations, notes } = judge(facts, policy);
  console.log(
    `Dependencies: ${lock.length} packages locked, ${licenses.length} licensed here, ${facts.advisories.length} advisories.`,
  );
  for (const note of notes) console.log(`  note: ${note}`);
  for (const violation of violations) console.log(`  VIOLATION: ${violation}`);
  console.log(
    violations.length === 0
      ? 'Nothing is against tests/dependencies/policy.json.'
      : `${violations.length} against tests/dependencies/policy.json.`,
  );
  if (violations.length > 0) process.exitCode = 1;
}

await main();
