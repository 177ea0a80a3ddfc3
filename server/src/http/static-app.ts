import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, resolve, sep } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { LRUCache } from 'lru-cache';
import type { Client } from './client-of.ts';
import { isRead, send, sendMethodNotAllowed } from './respond.ts';

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
};
const compressible = /^(text|application|image\/svg)/;

interface StaticFile {
  body: Buffer;
  gzipped: Buffer | undefined;
  etag: string;
  type: string;
  modifiedMs: number;
}

export interface StaticApp {
  /** Answers a GET or HEAD with a file of the app, its start page for navigations, or 404. */
  answer(request: IncomingMessage, response: ServerResponse, client: Client): Promise<void>;
}

/** Serves the built phone app. `folder` may appear or change while the server runs. */
export function createStaticApp(folder: string): StaticApp {
  const files = new LRUCache<string, StaticFile>({
    maxSize: 16_000_000,
    sizeCalculation: (file) => file.body.length + (file.gzipped?.length ?? 0) + 200,
  });

  async function find(path: string): Promise<StaticFile | undefined> {
    let modifiedMs: number;
    try {
      const found = await stat(path);
      if (!found.isFile()) return undefined;
      modifiedMs = found.mtimeMs;
    } catch {
      return undefined;
    }
    const cached = files.get(path);
    if (cached?.modifiedMs === modifiedMs) return cached;
    const body = await readFile(path);
    const type = types[extname(path)] ?? 'application/octet-stream';
    const gzipped = compressible.test(type) && body.length > 1_000 ? await promisify(gzip)(body) : undefined;
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    const file = { body, gzipped, etag, type, modifiedMs };
    files.set(path, file);
    return file;
  }

  return {
    async answer(request, response, client) {
      if (!isRead(request)) return sendMethodNotAllowed(response);
      const path = pathInside(folder, request.url ?? '/');
      if (path === undefined) return send(response, 400, 'text/plain; charset=utf-8', 'Bad path.\n');
      const isStartPage = path === resolve(folder);
      let file = isStartPage ? undefined : await find(path);
      const isNavigation =
        (request.headers.accept ?? '').includes('text/html') &&
        extname(path) === '' &&
        !isAsset(path, folder);
      if (!file && (isStartPage || isNavigation)) {
        file = await find(resolve(folder, 'index.html'));
        if (!file) return send(response, 503, 'text/html; charset=utf-8', notBuilt, { 'retry-after': '5' });
      }
      if (!file) return send(response, 404, 'text/plain; charset=utf-8', 'Not found.\n');
      sendFile(request, response, file, cacheControl(path, folder, file), client);
    },
  };
}

const notBuilt =
  '<!doctype html><meta charset="utf-8"><title>Agent Hive</title><p>The app is not built yet. Run <code>npx -y pnpm@12 build</code>, then reload.</p>';

/** What the build made; no page of the app has such an address. */
function isAsset(path: string, folder: string): boolean {
  return path.startsWith(resolve(folder, 'assets') + sep);
}

/** Files whose name carries a hash of their content never change; the rest is asked for again each time. */
function cacheControl(path: string, folder: string, file: StaticFile): string {
  const isHashed = isAsset(path, folder) && /[-.][A-Za-z0-9_-]{8,}\.\w+$/.test(path);
  return isHashed && file.type !== types['.html'] ? 'public, max-age=31536000, immutable' : 'no-cache';
}

/** The absolute path a URL names; undefined for one that would leave the folder or is no path. */
export function pathInside(folder: string, url: string): string | undefined {
  let decoded: string;
  try {
    decoded = decodeURIComponent(url.split(/[?#]/, 1)[0] ?? '/');
  } catch {
    return undefined;
  }
  if (
    !decoded.startsWith('/') ||
    /[\0\\]/.test(decoded) ||
    decoded.split('/').some((part) => part === '..' || (part.startsWith('.') && part !== '.well-known'))
  )
    return undefined;
  const root = resolve(folder);
  const path = resolve(root, `.${decoded}`);
  return path === root || path.startsWith(root + sep) ? path : undefined;
}

function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  file: StaticFile,
  caching: string,
  client: Client,
): void {
  const headers: Record<string, string> = {
    etag: file.etag,
    'cache-control': caching,
    vary: 'accept-encoding',
  };
  if (file.type.startsWith('text/html')) headers['content-security-policy'] = appPolicy(client.host);
  // The policy of a worker is that of its script; the same header on other scripts says nothing.
  else if (file.type === types['.js']) headers['content-security-policy'] = workerPolicy;
  if (request.headers['if-none-match'] === file.etag) {
    response.writeHead(304, headers);
    response.end();
    return;
  }
  const zipped =
    file.gzipped && /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))
      ? file.gzipped
      : undefined;
  if (zipped) headers['content-encoding'] = 'gzip';
  send(response, 200, file.type, zipped ?? file.body, headers);
}

const workerPolicy =
  "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * Trusted Types policies that the app may make, each once: Lit's for its templates, ours for the address of the service
 * worker and for single character references.
 */
const trustedTypes = 'lit-html hive-worker hive-entity';

function appPolicy(host: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    // Lit's styles are constructed sheets, which no policy concerns; there are no style attributes in its templates.
    "style-src 'self'",
    "img-src 'self' data: blob:",
    // Not every browser takes a WebSocket of the same host for 'self'. The Host header was checked before.
    `connect-src 'self' ws://${host} wss://${host}`,
    "font-src 'none'",
    "manifest-src 'self'",
    "worker-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    `trusted-types ${trustedTypes}`,
  ].join('; ');
}
