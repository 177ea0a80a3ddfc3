import type { BetterAuthOptions, GenericEndpointContext } from 'better-auth';
import { APIError, getOAuthState } from 'better-auth/api';
import { originOf, type EndpointTools } from './endpoint-tools.ts';
import { deletePerson } from './people-store.ts';

type DatabaseHooks = NonNullable<BetterAuthOptions['databaseHooks']>;

/** How a session that better-auth starts came to be, by the endpoint that starts it. Ours say so themselves. */
function proofOf(ctx: GenericEndpointContext, known: string | undefined) {
  const now = new Date();
  switch (ctx.path) {
    case '/sign-in/email':
      return { method: 'PASSWORD', provenAt: now };
    case '/passkey/verify-authentication':
      return { method: 'PASSKEY', provenAt: now, steppedUpAt: now };
    case '/two-factor/verify-totp':
      return { method: known ?? 'PASSWORD', provenAt: now, steppedUpAt: now };
    // One who lost the authenticator has to be able to replace it.
    case '/two-factor/verify-backup-code':
      return { method: 'RECOVERY', provenAt: now };
    case '/change-password':
      return { method: known ?? 'PASSWORD', provenAt: now };
    case '/callback/:id':
      return { method: `OAUTH:${String(ctx.params?.['id'] ?? '')}`, provenAt: now };
    default:
      return {};
  }
}

/** What happens with rows that better-auth writes by itself. */
export function databaseHooks(tools: EndpointTools): DatabaseHooks {
  return {
    session: {
      create: {
        before: async (session, ctx) => {
          await requireAccount(tools, session.userId);
          if (!ctx) return { data: session };
          if (ctx.path === '/callback/:id') await requireMember(tools, session.userId);
          const known = (session as { method?: string }).method;
          return { data: { ...session, ...proofOf(ctx, known) } };
        },
      },
    },
    account: {
      create: {
        // Who the provider says it is, is known by then; the statement itself would be personal data in plain text.
        before: async (account) => {
          await requireAccount(tools, account.userId);
          return { data: { ...account, idToken: null } };
        },
        after: async (account, ctx) => {
          if (account.providerId === 'credential') return;
          await tools.options.onEvent({
            type: 'account.linked',
            userId: account.userId,
            ...(ctx ? originOf(ctx) : {}),
            detail: { provider: account.providerId },
          });
        },
      },
      update: { before: async (account) => ({ data: { ...account, idToken: null } }) },
    },
  };
}

/** What was begun before somebody was erased, such as linking an account or pairing a device, must not end after it. */
async function requireAccount(tools: EndpointTools, userId: string): Promise<void> {
  const erased = await tools.sql.rows(
    `/* isErased */ select id from identity."user" where id = $1 and erased_at is not null`,
    [userId],
  );
  if (erased.length > 0)
    throw new APIError('UNAUTHORIZED', {
      code: 'UNAUTHENTICATED',
      message: 'This account cannot sign in any more.',
    });
}

/** Somebody a provider vouches for gets in as a member, or with an invitation that makes them one. */
async function requireMember(tools: EndpointTools, userId: string): Promise<void> {
  const { members } = tools.options;
  const invitation: unknown = (await getOAuthState())?.['invitation'];
  if (typeof invitation === 'string') {
    const outcome = await members.acceptInvitation(Buffer.from(invitation, 'hex'), userId);
    if (outcome === 'JOINED')
      await tools.options.onEvent({ type: 'invitation.accepted', userId, detail: { outcome } });
  }
  if (await members.isMember(userId)) return;
  // Made a moment ago for an invitation that somebody else took meanwhile.
  const isNew = await tools.sql.rows(
    `/* findNewPerson */
    select id from identity."user" where id = $1 and created_at > now() - interval '1 minute'`,
    [userId],
  );
  if (isNew.length > 0 && typeof invitation === 'string') await deletePerson(tools.sql, userId);
  throw new APIError('FORBIDDEN', { code: 'not_a_member', message: 'You are not a member of this hive.' });
}
