import { afterAll, beforeAll, expect, it } from 'vitest';
import { install, type Installation } from './installation.ts';
import { openPhone, textOf } from './phone.ts';

let hive: Installation;
beforeAll(async () => {
  hive = await install();
});
afterAll(() => hive.stop());

it('names every model provider, the address it was looked for at, and how to connect it', async () => {
  const phone = await openPhone(hive.browser, hive.server.url, '/settings');
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
  const phone = await openPhone(hive.browser, hive.server.url, '/settings');
  const { page } = phone;
  await page.locator('hive-projects summary', { hasText: 'Add a folder' }).click();
  await page.getByLabel("Folder on the server's machine").fill('/etc');
  await page.getByRole('button', { name: 'Add folder' }).click();
  await page.getByText(/Refused: .*\/etc is outside .*folder the server started in/).waitFor();
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
