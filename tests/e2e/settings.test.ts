import { afterAll, beforeAll, expect, it } from 'vitest';
import { install, type Installation } from './installation.ts';
import { openPhone, textOf } from './phone.ts';

let hive: Installation;
beforeAll(async () => {
  hive = await install();
});
afterAll(() => hive.stop());

it('names every model provider, the address it was looked for at, and how to connect it', async () => {
  const phone = await openPhone(hive.browser, hive.server.url, '/settings/models');
  const models = phone.page.locator('hive-models');
  for (const name of ['Ollama', 'llama.cpp']) {
    const provider = models.locator('li', { has: phone.page.getByRole('heading', { name, exact: true }) });
    await provider.getByText('Not reachable').waitFor();
    expect(await textOf(provider)).toContain('http://127.0.0.1:9');
  }
  expect(await textOf(models)).toContain('OPENAI_API_KEY');
  expect(await textOf(models)).toContain('ANTHROPIC_API_KEY');
  await models.getByText('Built in, always there').waitFor();
  await phone.close();
});

it('refuses a folder outside the one the server was started in, says so, and lets the person drop it', async () => {
  const phone = await openPhone(hive.browser, hive.server.url, '/settings/projects');
  const { page } = phone;
  await page.locator('hive-projects summary', { hasText: 'Add a folder' }).click();
  await page.getByLabel("Folder on the server's machine").fill('/etc');
  await page.getByRole('button', { name: 'Add folder' }).click();
  await page.getByText(/Refused: .*\/etc is outside .*the folder of this workspace/).waitFor();
  await page.getByText('1 action refused').waitFor();
  await page.getByRole('button', { name: 'Discard' }).click();
  await expect.poll(() => page.locator('hive-connection-bar .bar').count()).toBe(0);
  await page.reload();
  await page.getByText('Live', { exact: true }).waitFor();
  expect(await page.locator('hive-connection-bar .bar').count(), 'gone for good').toBe(0);
  await page.locator('hive-projects summary', { hasText: 'Add a folder' }).click();

  await page.getByLabel("Folder on the server's machine").fill('docs');
  await page.getByRole('button', { name: 'Add folder' }).click();
  const docs = page.locator('hive-projects li', { has: page.getByRole('heading', { name: 'docs' }) });
  await docs.getByText(/Ready · 1 file/).waitFor();
  await phone.close();
});

it('takes a key for a provider, keeps it nowhere on the phone, and shows when it was set', async () => {
  const phone = await openPhone(hive.browser, hive.server.url, '/settings/models');
  const { page } = phone;
  const openai = page.locator('hive-models li', {
    has: page.getByRole('heading', { name: 'OpenAI', exact: true }),
  });
  await openai.getByRole('button', { name: 'Set key' }).click();
  await openai.getByRole('button', { name: 'Save key' }).click();
  await openai.getByText('Paste the key first.').waitFor();
  const secret = `sk-test-${'a1b2'.repeat(10)}`;
  await openai.getByLabel('OpenAI API key').fill(secret);
  const sent = page.waitForResponse((response) => response.request().postData()?.includes(secret) ?? false);
  await openai.getByRole('button', { name: 'Save key' }).click();
  expect(await (await sent).text(), 'never given back').not.toContain(secret);
  await openai.getByText(/A key was set here/).waitFor();
  await page.goto('/settings/secrets');
  await page.getByRole('button', { name: 'Replace the key' }).waitFor();
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await expect.poll(() => page.getByRole('button', { name: 'Set key' }).count()).toBe(2);
  await phone.close();
});

it('offers whoever is at the machine an account, and nothing that needs people', async () => {
  const phone = await openPhone(hive.browser, hive.server.url, '/settings');
  const { page } = phone;
  await page.getByRole('button', { name: 'Create your account' }).waitFor();
  for (const name of ['Members', 'API keys', 'Devices and sessions', 'Privacy'])
    expect(await page.getByRole('link', { name: new RegExp(`^${name}`) }).count(), name).toBe(0);
  await page.getByRole('link', { name: /^Audit trail/ }).click();
  await page.getByText('Set a secret', { exact: true }).first().waitFor();
  await phone.close();
});

it('remembers the appearance', async () => {
  const phone = await openPhone(hive.browser, hive.server.url, '/settings');
  const { page } = phone;
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await background();
  await page.getByText('Dark', { exact: true }).click();
  await expect.poll(background).not.toBe(light);
  const dark = await background();
  await page.reload();
  await expect.poll(background).toBe(dark);
  await phone.close();
});
