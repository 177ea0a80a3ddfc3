import type { GenericEndpointContext } from 'better-auth';
import { createAuthEndpoint } from 'better-auth/api';
import type { Pool } from 'pg';
import { z } from 'zod';
import type { Sql } from '../../stores/sql.ts';
import {
  baseUrlOf,
  canUsePasskeys,
  invalidLink,
  localHeader,
  refuse,
  type EndpointTools,
} from '../endpoint-tools.ts';
import type { IdentityOptions, Person } from '../identity-options.ts';
import {
  bindSetupToken,
  createSetupToken,
  findSetupToken,
  finishSetup,
  replaceRecoveryCodes,
  spendSetupToken,
} from '../one-time-store.ts';
import { hashPassword, refusePassword } from '../password-hash.ts';
import {
  dropCredentials,
  findPeople,
  findPersonByEmail,
  insertPerson,
  renamePerson,
  setPasswordHash,
} from '../people-store.ts';
import { inIdentityTransaction } from '../transaction.ts';

export const tokenBody = z.object({ token: z.string().min(1).max(200) });
export const personFields = {
  name: z.string().trim().min(1).max(200),
  email: z
    .email()
    .max(254)
    .transform((text) => text.toLowerCase()),
};

const setupBody = tokenBody.extend({ ...personFields, password: z.string().max(1_000).optional() });

/** The page behind the one-time link of the first start, and of `hive admin reset`. */
export function setupEndpoints(tools: EndpointTools) {
  const { options, sql } = tools;
  return {
    hiveSetupCheck: createAuthEndpoint(
      '/hive/setup/check',
      { method: 'POST', body: tokenBody },
      async (ctx) => {
        await tools.countAttempt(ctx);
        const found = await findSetupToken(sql, ctx.body.token);
        if (!found) return ctx.json({ valid: false, expiresAt: null });
        const [person] = found.userId ? await findPeople(sql, [found.userId]) : [];
        // Whoever holds the link of a reset may see whose account it is for.
        return ctx.json({
          valid: true,
          expiresAt: found.expiresAt,
          ...(person ? { name: person.name, email: person.email } : {}),
        });
      },
    ),

    hiveSetup: createAuthEndpoint('/hive/setup', { method: 'POST', body: setupBody }, async (ctx) => {
      await tools.countAttempt(ctx);
      const { password } = ctx.body;
      if (!(await findSetupToken(sql, ctx.body.token))) throw invalidLink();
      const { person, recoveryCodes } = await setUpOwner(tools, ctx.body, await checkedHash(ctx, password));
      await tools.signIn(ctx, person.id, { method: 'SETUP', provenAt: new Date() });
      await tools.record(ctx, {
        type: 'setup.completed',
        userId: person.id,
        method: password === undefined ? 'PASSKEY' : 'PASSWORD',
      });
      return ctx.json({ user: { id: person.id, name: person.name, email: person.email }, recoveryCodes });
    }),

    hiveSetupFinish: createAuthEndpoint('/hive/setup/finish', { method: 'POST' }, async (ctx) => {
      const { userId } = await tools.requireSession(ctx);
      return ctx.json({ finished: await finishSetup(sql, userId) });
    }),

    hiveSetupLink: createAuthEndpoint('/hive/setup/link', { method: 'POST' }, async (ctx) => {
      if (ctx.headers?.get(localHeader) !== 'yes')
        throw refuse(
          'FORBIDDEN',
          'LOCAL_ONLY',
          'Only a browser on the machine itself may ask for a setup link.',
        );
      if (await options.members.hasOwner()) throw ownerExists();
      const { token, expiresAt } = await createSetupToken(sql);
      await tools.record(ctx, { type: 'setup.link_created' });
      return ctx.json({ url: setupUrl(baseUrlOf(ctx), token), expiresAt: expiresAt.toISOString() });
    }),
  };
}

/** The token travels in the fragment, which browsers send to nobody and nobody logs. */
export function setupUrl(baseUrl: string, token: string): string {
  return `${baseUrl}/setup#token=${token}`;
}

async function checkedHash(
  ctx: GenericEndpointContext,
  password: string | undefined,
): Promise<string | undefined> {
  if (password !== undefined) {
    const problem = refusePassword(password);
    if (problem) throw refuse('BAD_REQUEST', 'PASSWORD_REFUSED', problem);
    return hashPassword(password);
  }
  if (!canUsePasskeys(baseUrlOf(ctx)))
    throw refuse(
      'BAD_REQUEST',
      'PASSWORD_REQUIRED',
      'Browsers make no passkeys on this page: it is neither https under a name nor localhost. Choose a password.',
    );
  return undefined;
}

type Asked = z.output<typeof setupBody>;

/** Two browsers with the same link, or with two links, come one after the other; the second finds an owner. */
async function setUpOwner(
  tools: EndpointTools,
  asked: Asked,
  passwordHash: string | undefined,
): Promise<{ person: Person; recoveryCodes: string[] }> {
  const { options } = tools;
  return withSetupLock(options.pool, async () => {
    const token = await findSetupToken(tools.sql, asked.token);
    if (!token) throw invalidLink();
    const isOwned = await options.members.hasOwner();
    if (token.userId === null && isOwned) throw ownerExists();
    const made = await inIdentityTransaction(options.pool, async (sql) => {
      const wanted = { name: asked.name, email: asked.email, emailVerified: true };
      const id = token.userId ?? (await adoptable(sql, options, asked.email));
      const person = await (id ? renamePerson(sql, id, wanted) : insertPerson(sql, wanted));
      if (!person)
        throw refuse('CONFLICT', 'EMAIL_TAKEN', `The address ${asked.email} belongs to another account.`);
      const isOurs = await (passwordHash
        ? spendSetupToken(sql, token.id, person.id)
        : bindSetupToken(sql, token.id, person.id));
      if (!isOurs) throw invalidLink();
      if (passwordHash) await setPasswordHash(sql, person.id, passwordHash);
      return { person, recoveryCodes: await replaceRecoveryCodes(sql, person.id) };
    });
    // After the account, never before: an owner without an account could only be helped in the database.
    if (!isOwned) await options.members.addOwner(made.person.id);
    return made;
  });
}

/** An account with the address that belongs to nothing: a setup broke off between making it and making it the owner. */
async function adoptable(sql: Sql, { members }: IdentityOptions, email: string): Promise<string | undefined> {
  const known = await findPersonByEmail(sql, email);
  if (!known || (await members.isMember(known.id))) return undefined;
  await dropCredentials(sql, known.id);
  return known.id;
}

function ownerExists() {
  return refuse(
    'CONFLICT',
    'OWNER_EXISTS',
    'This hive has an owner already. Sign in, or ask for an invitation; `hive admin reset` on the machine helps who lost every way in.',
  );
}

const setupLock = 4_851_302_175;
let last: Promise<unknown> = Promise.resolve();

/**
 * One at a time in this process first, so that waiting takes no connection from the pool that the one who is let in
 * needs, then among all processes of the hive.
 */
function withSetupLock<T>(pool: Pool, work: () => Promise<T>): Promise<T> {
  const turn = last.then(async () => {
    const client = await pool.connect();
    try {
      await client.query('select pg_advisory_lock($1)', [setupLock]);
      try {
        return await work();
      } finally {
        await client.query('select pg_advisory_unlock($1)', [setupLock]);
      }
    } finally {
      client.release();
    }
  });
  last = turn.catch(() => undefined);
  return turn;
}
