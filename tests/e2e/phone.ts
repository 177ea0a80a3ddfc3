import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  chromium,
  type Browser,
  type BrowserContextOptions,
  type BrowserContext,
  type Locator,
  type Page,
} from 'playwright-core';
import { expect } from 'vitest';
import { findChromium } from '../support/chromium.ts';

export async function launchBrowser(): Promise<Browser> {
  const { path } = await findChromium();
  // Not the arguments the packaged Chromium suggests: they switch off the web security that is under test.
  // Chromium does not tidy up all it puts there.
  const folder = mkdtempSync(join(tmpdir(), 'hive-chromium-'));
  const browser = await chromium.launch({
    executablePath: path,
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
    env: { ...(process.env as Record<string, string>), TMPDIR: folder },
  });
  browser.once('disconnected', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return browser;
}

/** What a browser says when the network is gone, which is no mistake of the page. */
const networkNoise = /net::ERR_|WebSocket connection to|Failed to load resource/;

export interface Phone {
  page: Page;
  context: BrowserContext;
  /** Asserts that nothing went wrong unseen (errors, violations of the content policy, requests elsewhere), then closes it. */
  close(): Promise<void>;
}

/** A phone of 390 by 844 with the app open at `path`. */
export async function openPhone(
  browser: Browser,
  url: string,
  path = '/',
  options: BrowserContextOptions = {},
): Promise<Phone> {
  const context = await browser.newContext({
    baseURL: url,
    viewport: { width: 390, height: 844 },
    deviceScaleFactor: 1,
    hasTouch: true,
    isMobile: true,
    colorScheme: 'light',
    reducedMotion: 'no-preference',
    ...options,
  });
  context.setDefaultTimeout(15_000);
  const problems: string[] = [];
  const origins = new Set<string>();
  const { host } = new URL(url);
  await context.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) =>
      console.error(`policy: ${event.violatedDirective} blocked ${event.blockedURI}`),
    );
  });
  context.on('request', (request) => origins.add(new URL(request.url()).host));
  context.on('console', (message) => {
    if (message.type() === 'error' && !networkNoise.test(message.text())) problems.push(message.text());
  });
  context.on('weberror', (error) => problems.push(String(error.error().stack ?? error.error())));
  const page = await context.newPage();
  page.on('websocket', (socket) => origins.add(new URL(socket.url()).host));
  await page.goto(path);
  return {
    page,
    context,
    async close() {
      await context.close();
      origins.delete('');
      expect(problems).toEqual([]);
      expect([...origins]).toEqual([host]);
    },
  };
}

/** Waits until the service worker serves the shell, so that the next load may be offline. */
export async function untilInstalled(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const { active } = await navigator.serviceWorker.ready;
    if (active?.state === 'activated') return;
    await new Promise((resolve) => active?.addEventListener('statechange', resolve, { once: true }));
  });
}

/** Types a goal on the Dispatch page and sends it; the page goes on with the goal. */
export async function dispatch(page: Page, text: string): Promise<void> {
  await page.getByLabel('Goal', { exact: true }).fill(text);
  await page.getByRole('button', { name: 'Dispatch', exact: true }).click();
}

/** The goal's id from the address of its page. */
export async function openGoalId(page: Page): Promise<string> {
  await page.waitForURL(/\/(dispatch|work\/goals)\/Goal/);
  return decodeURIComponent(new URL(page.url()).pathname.split('/').at(-1)!);
}

/** The status line at the top of a goal, a task or an agent. */
export const status = (page: Page) => page.locator('p.status b');

/** All text of an element, that of its shadow roots included; empty while there is no such element. */
export async function textOf(locator: Locator): Promise<string> {
  const texts = await locator.evaluateAll((elements) => {
    const read = (node: Node): string => {
      if (node instanceof Text) return node.data;
      if (node instanceof HTMLStyleElement) return '';
      const children =
        node instanceof Element && node.shadowRoot ? node.shadowRoot.childNodes : node.childNodes;
      return [...children].map(read).join('');
    };
    return elements.map(read);
  });
  return texts.join(' ').replace(/\s+/g, ' ').trim();
}
