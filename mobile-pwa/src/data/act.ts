import { announce } from './announce.ts';
import { hive } from './hive.ts';
import type { MutationInputs, MutationKind } from './mutations.ts';
import type { OutboxEntry } from './outbox-entry.ts';

/**
 * Does something for the person: stored first, then sent. What comes of it is shown by `hive-pending`.
 * @returns undefined when this browser cannot store anything, which is said aloud and nothing was sent.
 */
export async function act<K extends MutationKind>(
  kind: K,
  input: MutationInputs[K],
  label: string,
): Promise<OutboxEntry | undefined> {
  try {
    const entry = await hive.outbox.add(kind, input, label);
    announce(
      hive.connection.status === 'offline' ? `${label}: waits for the connection.` : `${label}: sent.`,
    );
    return entry;
  } catch {
    announce(`${label}: not done. This browser does not let the app store anything.`);
    return undefined;
  }
}
