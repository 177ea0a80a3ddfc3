import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface ProjectFixture {
  root: string;
  write(files: Record<string, string>): void;
  remove(): void;
}

/** For tests: a small project about a shop, in a folder of its own. */
export function createProjectFixture(files: Record<string, string> = shop): ProjectFixture {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'hive-project-')));
  const fixture: ProjectFixture = {
    root,
    write(more) {
      for (const [path, text] of Object.entries(more)) {
        mkdirSync(dirname(join(root, path)), { recursive: true });
        writeFileSync(join(root, path), text);
      }
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
  fixture.write(files);
  return fixture;
}

const shop: Record<string, string> = {
  'README.md': `# Shop

The shop sells tea over the counter and by post.

## Layout

- \`src/\`: the programs that run the shop
- \`docs/\`: how the people work

## Orders

Orders come from the web form or from the telephone. Every order is written to the order book before it is confirmed.
`,
  'package.json': '{\n  "name": "shop",\n  "description": "Sells tea over the counter and by post."\n}\n',
  'docs/refunds.md':
    '# Refunds\n\nA refund is paid within a week. Who decides about a refund above 100 euros?\n\nRefunds differ from vouchers: a voucher is never paid out.\n',
  'src/order-book.ts': `import { clock } from './clock.ts';

/** One order as it was taken. */
export interface Order {
  id: string;
  tea: string;
}

/**
 * Writes an order to the book before anybody is told about it.
 * @param order what was taken
 */
export function appendOrder(order: Order): void {
  book.push({ order, at: clock() });
}

// The book is kept in memory until the cellar is dry again.
const book: unknown[] = [];
`,
  'src/telephone.ts': `import { appendOrder } from './order-book.ts';

/** Takes an order from the telephone. */
export function takeCall(text: string): void {
  // TODO: ask for the name of the caller
  appendOrder({ id: text, tea: 'oolong' });
}
`,
  'src/clock.ts':
    '/** The hour of the shop, in its own time zone. */\nexport function clock(): number {\n  return Date.now();\n}\n',
  '.env': 'TEA_KEY=secret\n',
};
