import { AuthProblem, problemOf } from './auth-problem.ts';
import { textOf } from './text-of.ts';
import { asRecord, asRecords, textOrNull } from './viewer.ts';

const BASE = '/api/auth/';
const TIMEOUT_MS = 15_000;

export interface SignInMethods {
  password: boolean;
  passkey: boolean;
  github: boolean;
  google: boolean;
  /** The name of the OpenID provider, null when there is none. */
  oidc: string | null;
}

export interface HiveStatus {
  hasOwner: boolean;
  signedIn: boolean;
  /** This page was asked for straight from the hive's machine. */
  local: boolean;
  methods: SignInMethods;
  publicUrl: string | null;
}

export interface Account {
  id: string;
  name: string;
  email: string;
  twoFactorEnabled: boolean;
}

export interface Passkey {
  id: string;
  name: string;
  createdAt: string | null;
  /** Kept by a provider that carries it to other devices. */
  synced: boolean;
}

export interface PairingOffer {
  url: string;
  token: string;
  expiresAt: string;
  svg: string;
}

export interface PairingState {
  state: 'WAITING' | 'CLAIMED' | 'EXPIRED';
  session: { id: string; deviceName: string } | null;
}

/** One sign-in of the person that has not ended. */
export interface SignedInDevice {
  id: string;
  current: boolean;
  createdAt: string | null;
  updatedAt: string | null;
  expiresAt: string | null;
  address: string | null;
  userAgent: string | null;
  deviceName: string | null;
  method: string | null;
}

export interface InvitationState {
  valid: boolean;
  workspaceName: string;
  role: string;
  expiresAt: string | null;
  needsAccount: boolean;
}

/** What a registration or request for a passkey is made from, as the server's JSON; `webauthn.ts` reads it. */
export type CeremonyOptions = Record<string, unknown>;

/** Of a sign-in by password: in, or one more step to go. */
export type PasswordSignIn = 'DONE' | 'SECOND_FACTOR';

type Body = Record<string, unknown>;

async function call(method: 'GET' | 'POST', path: string, body: Body = {}): Promise<unknown> {
  const response = await fetch(BASE + path, {
    method,
    credentials: 'same-origin',
    cache: 'no-store',
    signal: AbortSignal.timeout(TIMEOUT_MS),
    ...(method === 'POST'
      ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
      : {}),
  });
  const text = await response.text();
  const answer = parseJson(text);
  if (!response.ok) throw problemOf(response.status, answer, response.headers.get('retry-after'));
  return answer;
}

const get = (path: string) => call('GET', path);
const post = (path: string, body?: Body) => call('POST', path, body);
const postFor = async (path: string, body?: Body) => asRecord(await post(path, body)) ?? {};

/** What the hive offers to whoever is not in yet. */
export async function readStatus(): Promise<HiveStatus> {
  const status = asRecord(await get('hive/status'));
  if (!status)
    throw new AuthProblem('UNREADABLE', 'The hive answered with something this app does not understand.');
  const methods = asRecord(status['methods']) ?? {};
  return {
    hasOwner: status['hasOwner'] === true,
    signedIn: status['signedIn'] === true,
    local: status['local'] === true,
    methods: {
      password: methods['password'] !== false,
      passkey: methods['passkey'] !== false,
      github: methods['github'] === true,
      google: methods['google'] === true,
      oidc: textOrNull(methods['oidc']),
    },
    publicUrl: textOrNull(status['publicUrl']),
  };
}

// Setting up

/** @returns with the name and address of the account a reset is for, if it is for one */
export async function checkSetup(
  token: string,
): Promise<{ valid: boolean; expiresAt: string | null; name: string; email: string }> {
  const { valid, expiresAt, name, email } = await postFor('hive/setup/check', { token });
  return {
    valid: valid === true,
    expiresAt: textOrNull(expiresAt),
    name: textOf(name, ''),
    email: textOf(email, ''),
  };
}

/** Makes the owner and signs in. Without a password a passkey must follow, and then `finishSetup`. */
export async function setUp(input: {
  token: string;
  name: string;
  email: string;
  password?: string;
}): Promise<{ recoveryCodes: string[] }> {
  const { recoveryCodes } = await postFor('hive/setup', input);
  return { recoveryCodes: texts(recoveryCodes) };
}

/** Spends the setup link, once the new account has its first passkey. */
export async function finishSetup(): Promise<void> {
  await post('hive/setup/finish');
}

/** A fresh setup link, for whoever is at the machine of a hive without an owner. */
export async function createSetupLink(): Promise<{ url: string }> {
  const { url } = await postFor('hive/setup/link');
  return { url: textOf(url, '') };
}

// Signing in and out

export async function signInWithPassword(email: string, password: string): Promise<PasswordSignIn> {
  const { twoFactorRedirect } = await postFor('sign-in/email', { email, password });
  return twoFactorRedirect === true ? 'SECOND_FACTOR' : 'DONE';
}

/** The second step of a sign-in, or the last one of setting it up. */
export async function verifyTotp(code: string): Promise<void> {
  await post('two-factor/verify-totp', { code: code.replace(/\s+/g, '') });
}

export async function verifyBackupCode(code: string): Promise<void> {
  await post('two-factor/verify-backup-code', { code: code.trim() });
}

export async function recover(email: string, code: string): Promise<void> {
  await post('hive/recover', { email, code: code.trim() });
}

export type Provider = 'github' | 'google' | 'oidc';

/** Signs in with an account elsewhere. @returns where the provider's own page is */
export async function startOAuth(provider: Provider, back: string): Promise<string> {
  return providerPage('sign-in/social', { provider, callbackURL: back, errorCallbackURL: '/sign-in' });
}

/** Lets an account elsewhere sign in as the person who is in now. @returns where the provider's own page is */
export async function startConnecting(provider: Provider, back: string): Promise<string> {
  return providerPage('link-social', { provider, callbackURL: back, errorCallbackURL: back });
}

async function providerPage(path: string, body: Body): Promise<string> {
  const { url } = await postFor(path, { ...body, disableRedirect: true });
  const address = textOf(url, '');
  if (!/^https?:/.test(address)) throw new AuthProblem('UNREADABLE', 'The hive named no page to sign in on.');
  return address;
}

export async function signOut(): Promise<void> {
  await post('sign-out');
}

// The account

/** @returns undefined when nobody is signed in */
export async function readAccount(): Promise<Account | undefined> {
  const user = asRecord(asRecord(await get('get-session'))?.['user']);
  if (!user) return undefined;
  return {
    id: textOf(user['id'], ''),
    name: textOf(user['name'], ''),
    email: textOf(user['email'], ''),
    twoFactorEnabled: user['twoFactorEnabled'] === true,
  };
}

export interface Login {
  id: string;
  /** `credential` is a password, everything else an account elsewhere. */
  provider: string;
}

/** How the account can be signed in to besides passkeys. */
export async function listLogins(): Promise<Login[]> {
  return asRecords(await get('list-accounts')).map((login) => ({
    id: textOf(login['id'], ''),
    provider: textOf(login['providerId'], ''),
  }));
}

export async function disconnect(loginId: string): Promise<void> {
  await post('unlink-account', { accountId: loginId });
}

export async function changePassword(currentPassword: string, newPassword: string): Promise<void> {
  await post('change-password', { currentPassword, newPassword, revokeOtherSessions: true });
}

/** A password without the old one: for an account that has none, or came by a recovery code. Ends all other sessions. */
export async function setPassword(password: string): Promise<void> {
  await post('hive/password', { password });
}

export async function enableTwoFactor(
  password: string | undefined,
): Promise<{ uri: string; backupCodes: string[] }> {
  const { totpURI, backupCodes } = await postFor('two-factor/enable', password ? { password } : {});
  return { uri: textOf(totpURI, ''), backupCodes: texts(backupCodes) };
}

export async function disableTwoFactor(password: string | undefined): Promise<void> {
  await post('two-factor/disable', password ? { password } : {});
}

export async function renewBackupCodes(password: string | undefined): Promise<string[]> {
  const { backupCodes } = await postFor('two-factor/generate-backup-codes', password ? { password } : {});
  return texts(backupCodes);
}

export async function renewRecoveryCodes(): Promise<string[]> {
  const { recoveryCodes } = await postFor('hive/recovery-codes');
  return texts(recoveryCodes);
}

// Passkeys

export const passkeyRegistrationOptions = async (): Promise<CeremonyOptions> =>
  asRecord(await get('passkey/generate-register-options')) ?? {};

export async function registerPasskey(response: unknown, name: string): Promise<void> {
  await post('passkey/verify-registration', { response, name });
}

export const passkeySignInOptions = async (): Promise<CeremonyOptions> =>
  asRecord(await get('passkey/generate-authenticate-options')) ?? {};

export async function signInWithPasskeyResponse(response: unknown): Promise<void> {
  await post('passkey/verify-authentication', { response });
}

export async function listPasskeys(): Promise<Passkey[]> {
  return asRecords(await get('passkey/list-user-passkeys')).map((passkey) => ({
    id: textOf(passkey['id'], ''),
    name: textOf(passkey['name'], '') || 'Passkey',
    createdAt: textOrNull(passkey['createdAt']),
    synced: passkey['backedUp'] === true,
  }));
}

export async function renamePasskey(id: string, name: string): Promise<void> {
  await post('passkey/update-passkey', { id, name });
}

export async function removePasskey(id: string): Promise<void> {
  await post('passkey/delete-passkey', { id });
}

// Confirming who one is

export const stepUpOptions = async (): Promise<CeremonyOptions> => postFor('hive/step-up/options');

export async function stepUpWithPasskey(response: unknown): Promise<void> {
  await post('hive/step-up/passkey', { response });
}

export async function stepUpWithTotp(code: string): Promise<void> {
  await post('hive/step-up/totp', { code: code.replace(/\s+/g, '') });
}

/** The password again, for an account without a second factor. */
export async function confirmPassword(password: string): Promise<void> {
  await post('hive/confirm', { password });
}

// Other devices

export async function startPairing(): Promise<PairingOffer> {
  const { url, token, expiresAt, svg } = await postFor('hive/pair/start');
  return {
    url: textOf(url, ''),
    token: textOf(token, ''),
    expiresAt: textOf(expiresAt, ''),
    svg: textOf(svg, ''),
  };
}

export async function readPairing(token: string): Promise<PairingState> {
  const { state, session } = await postFor('hive/pair/state', { token });
  const device = asRecord(session);
  return {
    state: state === 'CLAIMED' || state === 'EXPIRED' ? state : 'WAITING',
    session: device ? { id: textOf(device['id'], ''), deviceName: textOf(device['deviceName'], '') } : null,
  };
}

export async function claimPairing(token: string, deviceName: string): Promise<void> {
  await post('hive/pair/claim', { token, deviceName });
}

/** Where the person is signed in, this page first, then by when it was last used. */
export async function listSessions(): Promise<SignedInDevice[]> {
  const answer = await get('hive/sessions');
  const sessions = asRecords(asRecord(answer)?.['sessions'] ?? answer).map((each) => ({
    id: textOf(each['id'], ''),
    current: each['current'] === true,
    createdAt: textOrNull(each['createdAt']),
    updatedAt: textOrNull(each['updatedAt']),
    expiresAt: textOrNull(each['expiresAt']),
    address: textOrNull(each['address']),
    userAgent: textOrNull(each['userAgent']),
    deviceName: textOrNull(each['deviceName']),
    method: textOrNull(each['method']),
  }));
  return sessions.toSorted(
    (a, b) => Number(b.current) - Number(a.current) || (b.updatedAt ?? '').localeCompare(a.updatedAt ?? ''),
  );
}

/** Signs the person out everywhere but here. */
export async function revokeOtherSessions(): Promise<void> {
  await post('hive/sessions/revoke-others');
}

export async function revokeSession(id: string): Promise<void> {
  await post('hive/sessions/revoke', { id });
}

// Invitations

export async function checkInvitation(token: string): Promise<InvitationState> {
  const { valid, workspaceName, role, expiresAt, needsAccount } = await postFor('hive/invitation/check', {
    token,
  });
  return {
    valid: valid === true,
    workspaceName: textOf(workspaceName, ''),
    role: textOf(role, ''),
    expiresAt: textOrNull(expiresAt),
    needsAccount: needsAccount === true,
  };
}

/** Joins as whoever is signed in, or as a new account. @returns the new account's recovery codes, if it is one */
export async function acceptInvitation(input: {
  token: string;
  name?: string;
  email?: string;
  password?: string;
}): Promise<{ recoveryCodes: string[]; isNew: boolean }> {
  const { recoveryCodes, outcome } = await postFor('hive/invitation/accept', input);
  return { recoveryCodes: texts(recoveryCodes), isNew: outcome !== 'MEMBER' };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
