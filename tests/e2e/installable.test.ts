import { afterAll, beforeAll, expect, it } from 'vitest';
import { install, type Installation } from './installation.ts';
import { openPhone, untilInstalled } from './phone.ts';

let hive: Installation;
beforeAll(async () => {
  hive = await install();
});
afterAll(() => hive.stop());

interface Image {
  src: string;
  sizes: string;
  type: string;
}

interface Manifest {
  name: string;
  short_name: string;
  start_url: string;
  scope: string;
  display: string;
  theme_color: string;
  background_color: string;
  icons: (Image & { purpose: string })[];
  screenshots: (Image & { form_factor: string })[];
}

it('has what a phone asks for before it offers to install: manifest, icons that are what they say, service worker', async () => {
  const phone = await openPhone(hive.browser, hive.server.url);
  const { page } = phone;
  const href = await page.locator('link[rel=manifest]').getAttribute('href');
  const manifest = (await (await page.request.get(href!)).json()) as Manifest;
  expect(manifest).toMatchObject({
    name: 'Agent Hive',
    short_name: 'Hive',
    start_url: '/',
    scope: '/',
    display: 'standalone',
  });
  for (const purpose of ['any', 'maskable']) {
    expect(
      manifest.icons
        .filter((icon) => icon.purpose === purpose)
        .map((icon) => icon.sizes)
        .toSorted(),
    ).toEqual(['192x192', '512x512']);
  }
  for (const icon of [...manifest.icons, ...manifest.screenshots]) {
    const response = await page.request.get(icon.src);
    expect(response.headers()['content-type']).toBe(icon.type);
    const image = await response.body();
    // width and height stand at byte 16 of a PNG
    expect(`${image.readUInt32BE(16)}x${image.readUInt32BE(20)}`, icon.src).toBe(icon.sizes);
  }
  expect(manifest.screenshots.map((screenshot) => screenshot.form_factor)).toContain('narrow');
  await untilInstalled(page);
  const errors = await phone.context
    .newCDPSession(page)
    .then((session) => session.send('Page.getInstallabilityErrors'));
  expect(errors.installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito')).toEqual([]);
  await phone.close();
});

it('keeps the shell and no answer of the API in the service worker', async () => {
  const phone = await openPhone(hive.browser, hive.server.url, '/work');
  const { page } = phone;
  await page.getByText('Live', { exact: true }).waitFor();
  await untilInstalled(page);
  const cached = await page.evaluate(async () => {
    const names = await caches.keys();
    const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
    return requests.flat().map((request) => new URL(request.url).pathname);
  });
  expect(cached).toContain('/index.html');
  expect(cached.some((path) => path.startsWith('/screenshots/'))).toBe(false);
  expect(cached.some((path) => path.startsWith('/assets/markdown'))).toBe(true);
  expect(cached.filter((path) => /^\/(graphql|health|metrics|schema)/.test(path))).toEqual([]);
  await phone.close();
});
