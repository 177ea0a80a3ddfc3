import { createHmac } from 'node:crypto';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { expect, vi } from 'vitest';
import type { Installation } from './installation.ts';
import { openPhone, type Phone } from './phone.ts';

export const owner = { name: 'Ada Lovelace', email: 'ada@example.com' };

/** The same hive under the name that passkeys can belong to: an address cannot own one. */
export function namedUrl(hive: Installation): string {
  return hive.server.url.replace('127.0.0.1', 'localhost');
}

/** The path of the setup link that the start prints, a moment after it says where the hive is. */
export function printedSetupPath(hive: Installation): Promise<string> {
  // Not expect.poll: it waits in tests only, and this is for hooks, too.
  return vi.waitFor(() => {
    const path = /https?:\/\/\S+(\/setup#token=\S+)/.exec(hive.server.output())?.[1];
    expect(path, 'the start prints a setup link').toBeDefined();
    return path!;
  }, 10_000);
}

/**
 * A phone with a fingerprint reader that always says yes; passkeys stay on it for as long as the page lives. It would say
 * yes to what merely waits in a field as well, and sign people in who only look at the page: `offersInField` allows that.
 */
export async function openPhoneWithPasskeys(
  browser: Browser,
  url: string,
  path: string,
  { offersInField = false, ...options }: BrowserContextOptions & { offersInField?: boolean } = {},
): Promise<Phone> {
  const phone = await openPhone(browser, url, '/manifest.webmanifest', options);
  if (!offersInField) {
    await phone.context.addInitScript(() => {
      // Blank pages have none.
      if ('PublicKeyCredential' in globalThis)
        PublicKeyCredential.isConditionalMediationAvailable = async () => false;
    });
  }
  await addFingerprintReader(phone);
  await phone.page.goto(path);
  return phone;
}

async function addFingerprintReader({ context, page }: Phone): Promise<void> {
  const session = await context.newCDPSession(page);
  await session.send('WebAuthn.enable');
  await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
}

/** Reads the codes on screen, says that they are saved, and goes on. */
export async function keepCodes(page: Page, proceed: string): Promise<string[]> {
  const codes = page.locator('hive-recovery-codes');
  await codes.getByRole('listitem').first().waitFor();
  const texts = await codes.getByRole('listitem').allTextContents();
  await codes.getByRole('checkbox').check();
  await codes.getByRole('button', { name: proceed }).click();
  return texts;
}

/** Makes the owner with a passkey, from the printed link to the open app. */
export async function becomeOwner(phone: Phone): Promise<string[]> {
  const { page } = phone;
  await page.getByLabel('Name', { exact: true }).fill(owner.name);
  await page.getByLabel('E-mail').fill(owner.email);
  await page.getByRole('button', { name: 'Create account with a passkey' }).click();
  const codes = await keepCodes(page, 'Open the hive');
  await untilLive(page);
  return codes;
}

export async function signOut(page: Page): Promise<void> {
  await page.goto('/settings');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in', exact: true }).waitFor();
}

export async function signInWithPassword(page: Page, email: string, password: string): Promise<void> {
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

/** The session is good: the event log is being followed. */
export async function untilLive(page: Page): Promise<void> {
  await page.getByText('Live', { exact: true }).waitFor();
}

/** RFC 6238 with the usual 30 seconds and six digits, for a secret in base32. */
export function totpAt(secret: string, atMs: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = Array.from(secret.replaceAll(' ', ''))
    .map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0'))
    .join('');
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(atMs / 30_000)));
  const digest = createHmac('sha1', key).update(counter).digest();
  const offset = digest[19]! & 0x0f;
  return String((digest.readUInt32BE(offset) & 0x7fff_ffff) % 1_000_000).padStart(6, '0');
}
