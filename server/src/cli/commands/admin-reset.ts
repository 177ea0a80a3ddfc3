import { createInterface } from 'node:readline/promises';
import { reachableUrl } from '../../http/addresses.ts';
import { parseOptions, print, UsageError, type Command } from './command.ts';
import { openIdentity } from './open-identity.ts';
import { withHive } from './open-hive.ts';

export const adminReset: Command = {
  name: 'admin reset',
  summary: 'lets an owner back in who cannot sign in any more',
  help: [
    'hive admin reset [--email <address>] [--yes]',
    '',
    'Removes the password, passkeys, one-time passwords, recovery codes, linked accounts and sessions of an owner and prints a',
    'link, valid 15 minutes and once, that gives the same account a new way in. What they own stays as it is.',
    '',
    '  --email <address>   which owner; the longest-standing one when absent',
    '  --yes               without asking',
  ],
  async run(args) {
    const { email, yes } = parseOptions(args, { email: { type: 'string' }, yes: { type: 'boolean' } });
    if (email !== undefined && !email.includes('@'))
      throw new UsageError(`--email must be an address; ${JSON.stringify(email)} is not.`);
    if (!yes && !process.stdin.isTTY)
      throw new UsageError('There is no terminal to ask on. Add --yes to go ahead without asking.');
    if (!yes && !(await confirm(email ?? 'the longest-standing owner'))) {
      print('Nothing was changed.');
      return 1;
    }
    return withHive(async (hive) => {
      const { config, url, isRunning } = hive;
      const link = await openIdentity(hive).resetOwner(reachableUrl(config.server, url) ?? url, email);
      const { pathname, hash } = new URL(link.url);
      print('');
      print(
        `  Every way in of ${link.email} has ended. Give the account a new one with this link, valid 15 minutes, once:`,
      );
      print('');
      print(`  ${url}${pathname}${hash}`);
      if (new URL(link.url).origin !== new URL(url).origin) print(`  ${link.url}   (from another device)`);
      if (!isRunning) print('\n  The hive is not running: start it before you open the link.');
      return 0;
    });
  },
};

async function confirm(who: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await terminal.question(
      `This ends every session of ${who} and removes their password, passkeys and codes. Go ahead? [y/N] `,
    );
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
