import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  becomeOwner,
  keepCodes,
  namedUrl,
  openPhoneWithPasskeys,
  owner,
  printedSetupPath,
  signInWithPassword,
  signOut,
  totpAt,
  untilLive,
} from './account.ts';
import { expectAccessible } from './accessible.ts';
import { install, type Installation } from './installation.ts';
import { openPhone, textOf, type Phone } from './phone.ts';

const password = 'four words nobody joins';
let hive: Installation;
let url: string;
let phone: Phone;
let recoveryCodes: string[];

beforeAll(async () => {
  hive = await install();
  url = namedUrl(hive);
});
afterAll(() => hive.stop());

describe('the first account', () => {
  it('comes out of the printed link, with a passkey, and leaves no token in the address', async () => {
    phone = await openPhoneWithPasskeys(hive.browser, url, await printedSetupPath(hive));
    const { page } = phone;
    await page.getByRole('heading', { name: 'Make this hive yours' }).waitFor();
    expect(new URL(page.url()).hash).toBe('');
    await page.reload();
    await page.getByLabel('Name', { exact: true }).waitFor();
    await page.evaluate(() => (location.hash = '#token=another-link-in-the-same-tab'));
    await page.getByRole('heading', { name: 'This link is not valid' }).waitFor();
    expect(new URL(page.url()).hash).toBe('');
    await page.goto('about:blank');
    await page.goto(url + (await printedSetupPath(hive)));
    recoveryCodes = await becomeOwner(phone);
    expect(new Set(recoveryCodes).size).toBe(10);
    await page.goto('/settings');
    await page.getByText(owner.email).waitFor();
    expect(await textOf(page.locator('hive-settings-view'))).toContain('Owner of');
  });

  it('cannot be made twice with the same link', async () => {
    const other = await openPhone(hive.browser, url, await printedSetupPath(hive));
    await other.page.getByRole('heading', { name: 'This hive has an owner' }).waitFor();
    await other.close();
    await phone.page.goto('/setup');
    await phone.page.getByRole('link', { name: 'Open the hive' }).click();
    await untilLive(phone.page);
  });

  it('shuts the door behind itself, on this machine too', async () => {
    const other = await openPhone(hive.browser, hive.server.url, '/work');
    await other.page.getByRole('heading', { name: 'Sign in', exact: true }).waitFor();
    expect(new URL(other.page.url()).search).toBe('?to=%2Fwork');
    expect(await other.page.getByRole('button', { name: /passkey/ }).count(), 'no dead button').toBe(0);
    await other.page.getByText('Passkeys need a name').waitFor();
    await other.close();
  });
});

describe('signing in', () => {
  it('with the passkey, after signing out left nothing behind', async () => {
    const { page } = phone;
    await signOut(page);
    const kept = await page.evaluate(async () => ({
      identity: localStorage.getItem('hive-identity'),
      draft: sessionStorage.getItem('hive-goal-draft'),
    }));
    expect(kept).toEqual({ identity: null, draft: null });
    await page.goto('/work');
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await untilLive(page);
    expect(new URL(page.url()).pathname, 'back to where one wanted to go').toBe('/work');
  });

  it('with a password and a one-time code, once both are set up', async () => {
    const { page } = phone;
    await page.goto('/settings/security');
    await page.getByRole('button', { name: 'Set a password' }).click();
    await page.getByLabel('New password', { exact: true }).fill(password);
    await page.getByRole('button', { name: 'Set the password' }).click();
    await page.getByText('Saved. All your other devices have been signed out.').waitFor();

    await page.getByRole('button', { name: 'Set up one-time codes' }).click();
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('img', { name: 'Code for the authenticator app' }).waitFor();
    await page.getByText('No camera? Type the secret').click();
    const secret = await textOf(page.locator('hive-two-factor .secret-text'));
    await page.getByLabel('Code', { exact: true }).fill('000000');
    await page.getByRole('button', { name: 'Turn on' }).click();
    await page.getByText(/That code does not match/).waitFor();
    await page.getByLabel('Code', { exact: true }).fill(totpAt(secret, Date.now()));
    await page.getByRole('button', { name: 'Turn on' }).click();
    const backupCodes = await keepCodes(page, 'Done');
    await page.getByText('On. Signing in by password asks for a code as well.').waitFor();

    await signOut(page);
    await signInWithPassword(page, owner.email, 'not the password');
    await page.getByText('E-mail and password do not match.').waitFor();
    await signInWithPassword(page, owner.email, password);
    await page.getByRole('heading', { name: 'One more step' }).waitFor();
    // The next window: a code counts once.
    await page.getByLabel('Code from your authenticator').fill(totpAt(secret, Date.now() + 30_000));
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await untilLive(page);

    await signOut(page);
    await signInWithPassword(page, owner.email, password);
    await page.getByRole('button', { name: 'Use a backup code' }).click();
    await page.getByLabel('Backup code').fill(backupCodes[0]!);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await untilLive(page);
  });

  it('with a recovery code, which works once and leads to where ways to sign in are kept', async () => {
    const other = await openPhone(hive.browser, url, '/sign-in');
    const { page } = other;
    const use = async (code: string) => {
      await page.getByRole('button', { name: 'Use a recovery code' }).click();
      await page.getByLabel('E-mail').fill(owner.email);
      await page.getByLabel('Recovery code').fill(code);
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    };
    await use(recoveryCodes[0]!.toLowerCase());
    await page.waitForURL('**/settings/security');
    await page.getByText(`Signed in as ${owner.email}`).waitFor();
    await signOut(page);
    await use(recoveryCodes[0]!);
    await page.getByText(/do not fit together, or the code was used before/).waitFor();
    await other.close();
  });

  it('is slowed down after too many tries, and says for how long', async () => {
    const other = await openPhone(hive.browser, url, '/sign-in');
    const { page } = other;
    const tooMany = page.getByText('Too many tries.');
    for (let tries = 0; tries < 40 && !(await tooMany.isVisible()); tries++) {
      await signInWithPassword(page, 'nobody@example.com', `wrong password ${tries}`);
      await page.getByText(/do not match|Too many tries/).waitFor();
    }
    await tooMany.waitFor();
    await page.getByText(/^Try again in \d/).waitFor();
    expect(await page.getByRole('button', { name: 'Sign in', exact: true }).isDisabled()).toBe(true);
    await other.close();
  });
});

describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
  it('has nothing that axe objects to on the pages for coming in', async () => {
    const other = await openPhone(hive.browser, url, '/sign-in', { colorScheme, reducedMotion: 'reduce' });
    const { page } = other;
    await page.getByRole('button', { name: 'Sign in with a passkey' }).waitFor();
    await expectAccessible(other, 'sign-in');
    await page.getByRole('button', { name: 'Use a recovery code' }).click();
    await expectAccessible(other, 'recovery');
    for (const path of ['/setup#token=x', '/join#token=x', '/pair', '/pair#token=x']) {
      await page.goto('about:blank');
      await page.goto(path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await expect.poll(() => page.locator('hive-skeleton').count()).toBe(0);
      await expectAccessible(other, path);
    }
    await other.close();
  });

  it('has nothing that axe objects to where one’s own account is kept', async () => {
    const { page } = phone;
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.goto('/settings/security');
    await page.getByRole('button', { name: 'Add a passkey' }).waitFor();
    await expectAccessible(phone, 'security');
    await page.getByRole('button', { name: 'Turn off' }).click();
    await expectAccessible(phone, 'password asked');
    await page.goto('/pair');
    await page.getByRole('img', { name: 'Code that signs another device in' }).waitFor();
    await expectAccessible(phone, 'pairing');
  });
});

describe('asking again who one is', () => {
  it('happens before new recovery codes, and the passkey answers it', async () => {
    const { page } = phone;
    await page.goto('/settings/security');
    await page.getByRole('button', { name: 'Make new codes' }).click();
    await page.getByRole('button', { name: 'Make new ones' }).click();
    const question = page.getByRole('heading', { name: 'Is it still you?' });
    await question.or(page.locator('hive-recovery-codes')).first().waitFor();
    if (await question.isVisible()) {
      await expectAccessible(phone, 'step-up');
      await page.getByRole('button', { name: 'Confirm with passkey' }).click();
    }
    const codes = await keepCodes(page, 'Done');
    expect(codes.filter((code) => recoveryCodes.includes(code))).toEqual([]);
    await phone.close();
  });
});
