/**
 * `pnpm run codegen`: writes schema/schema.graphql, schema/introspection.d.ts and schema/persisted-documents.json from the
 * code. With `--check` it changes nothing and fails when they are not what the code says.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { introspectionFromSchema } from 'graphql';
import { minifyIntrospection, outputIntrospectionFile } from '@gql.tada/internal';
import { appDocuments } from './app-documents.ts';
import { printedSchema, schema } from './schema.ts';

const folder = new URL('../../../schema/', import.meta.url);
const introspection = minifyIntrospection(introspectionFromSchema(schema, { descriptions: false }));
const files = {
  'schema.graphql': printedSchema(),
  'introspection.d.ts': outputIntrospectionFile(introspection, { fileType: '.d.ts', shouldPreprocess: true }),
  'persisted-documents.json': `${JSON.stringify(await appDocuments(), null, 2)}\n`,
};

let stale = false;
for (const [name, text] of Object.entries(files)) {
  const path = fileURLToPath(new URL(name, folder));
  if (process.argv.includes('--check')) {
    if (readOrEmpty(path) === text) continue;
    console.error(`schema/${name} is not what the code says. Run: npx -y pnpm@12 run codegen`);
    stale = true;
  } else {
    writeFileSync(path, text);
    console.log(`wrote schema/${name}`);
  }
}
if (stale) process.exitCode = 1;

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
