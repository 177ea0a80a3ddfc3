import { assertKeyOfDatabase } from '../../engines/security/key-mark.ts';
import { rotateAll } from '../../engines/security/secret-rotation.ts';
import { forgetKeyed } from '../../identity/lost-key.ts';
import { reencryptIdentity } from '../../identity/reencrypt.ts';
import { keepKeyMark, readKeyMark } from '../../stores/secret-store.ts';
import { parseOptions, print, UsageError, type Command } from './command.ts';
import { withHive } from './open-hive.ts';

export const secretsRotate: Command = {
  name: 'secrets rotate',
  summary: 'encrypts all stored secrets with a new key',
  help: [
    'hive secrets rotate [--lost]',
    '',
    'With the key file (secret.key in the data folder) makes a new key, encrypts everything with it and retires the old one.',
    'With HIVE_SECRET_KEY put the new key there and the old one into HIVE_SECRET_KEY_PREVIOUS first, start the hive with both,',
    'rotate with both, then remove the old one. The hive may run meanwhile. Run again, it goes on where it was cut off.',
    '',
    '  --lost   the key of the database is lost for good: from now on it is kept with the one that is here. Everybody signs in',
    '           anew, one-time passwords are set up anew, and the secrets that are named afterwards are set again',
  ],
  async run(args) {
    const { lost = false } = parseOptions(args, { lost: { type: 'boolean' } });
    return withHive(async ({ openKeyring, database, sql, transaction, homeWorkspaceId, record }) => {
      const keyring = openKeyring();
      const before = keyring.current.id;
      if (!lost) await assertKeyOfDatabase(sql, keyring, { warn: (_fields, message) => print(message) });
      else if (keyring.find((await readKeyMark(sql)) ?? before))
        throw new UsageError('The key of the database is here, so nothing is lost. Leave --lost out.');
      const detail = { by: 'hive secrets rotate', ...(lost ? { lost } : {}) };
      await record({ action: 'secret.rotate', subjectType: 'workspace', subjectId: homeWorkspaceId, detail });
      if (lost)
        await transaction(async (inside) => {
          await forgetKeyed(inside);
          await keepKeyMark(inside, before);
        });
      const also = () => reencryptIdentity(database.systemPool, keyring.secretKeys());
      const { reencryptedCount, failed, retired } = await rotateAll({ transaction, keyring, also });
      const { id } = keyring.current;
      print(`${reencryptedCount.toLocaleString('en')} values encrypted with the key ${id}.`);
      for (const problem of failed) print(`  not read: ${problem}`);
      if (keyring.source === 'ENVIRONMENT') printEnvironment(failed.length > 0, keyring.previous.length > 0);
      else if (retired && id !== before)
        print(
          `The key ${before} is retired. Back up secret.key again: an older copy cannot read what is stored now.`,
        );
      return failed.length > 0 ? 1 : 0;
    });
  },
};

function printEnvironment(hasFailed: boolean, hasPrevious: boolean): void {
  if (hasFailed) print('Leave HIVE_SECRET_KEY_PREVIOUS in place.');
  else if (hasPrevious) print('HIVE_SECRET_KEY_PREVIOUS is no longer needed to read what is stored.');
  else
    print(
      'It is the same key as before: to change it, put a new one into HIVE_SECRET_KEY, this one into HIVE_SECRET_KEY_PREVIOUS, and rotate again.',
    );
}
