import { reachableUrl } from '../../http/addresses.ts';
import { setupLines } from '../greet.ts';
import { parseOptions, print, type Command } from './command.ts';
import { openIdentity } from './open-identity.ts';
import { withHive } from './open-hive.ts';

export const adminLink: Command = {
  name: 'admin link',
  summary: 'prints a new setup link while the hive has no owner',
  help: [
    'hive admin link',
    '',
    'Prints a link, valid 15 minutes and once, that makes whoever opens it the owner. Earlier links end. Only while the hive',
    'has no owner; `hive admin reset` helps an owner who cannot sign in.',
  ],
  async run(args) {
    parseOptions(args, {});
    return withHive(async (hive) => {
      const { config, url, isRunning } = hive;
      const link = await openIdentity(hive).createSetupLink(reachableUrl(config.server, url) ?? url);
      for (const line of await setupLines({ config, url }, link.url)) print(line);
      if (!isRunning) print('\n  The hive is not running: start it before you open the link.');
      return 0;
    });
  },
};
