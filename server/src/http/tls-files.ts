import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { Server } from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';

export interface TlsFiles {
  /** Path of the chain in PEM, HIVE_TLS_CERT. */
  cert: string;
  /** Path of the private key in PEM, HIVE_TLS_KEY. */
  key: string;
}

/** What both listening and a renewal give the server. */
export const tlsFloor = { minVersion: 'TLSv1.2' } as const;

/**
 * Reads both files and sees to it that they belong together: otherwise every handshake would fail without a word here.
 * @throws Error naming the setting and the file
 */
export function readTlsFiles(files: TlsFiles): SecureContextOptions & { validTo: Date } {
  const cert = readNamed('HIVE_TLS_CERT', files.cert);
  const key = readNamed('HIVE_TLS_KEY', files.key);
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(cert);
  } catch (error) {
    throw new Error(
      `HIVE_TLS_CERT (${files.cert}) holds no certificate in PEM: ${messageOf(error)}. Give the full chain, the server's own first.`,
      { cause: error },
    );
  }
  let matches: boolean;
  try {
    matches = certificate.checkPrivateKey(createPrivateKey(key));
  } catch (error) {
    throw new Error(
      `HIVE_TLS_KEY (${files.key}) holds no private key in PEM without a passphrase: ${messageOf(error)}`,
      { cause: error },
    );
  }
  if (!matches)
    throw new Error(
      `The key in HIVE_TLS_KEY (${files.key}) does not belong to the certificate in HIVE_TLS_CERT (${files.cert}).`,
    );
  return { ...tlsFloor, cert, key, validTo: certificate.validToDate };
}

/**
 * Takes renewed files over without a restart; open connections keep what they have. The files are looked at, not
 * watched: certificate tools replace links to folders, which no watcher of a file notices.
 * @returns a function that ends it
 */
export function followTlsFiles(
  files: TlsFiles,
  server: Pick<Server, 'setSecureContext'>,
  log: Pick<Logger, 'info' | 'warn'>,
  intervalMs = 2_000,
): () => void {
  let seen = versionOf(files);
  let failed: string | undefined;
  const timer = setInterval(() => {
    const version = versionOf(files);
    if (version === seen) return;
    try {
      const { validTo, ...context } = readTlsFiles(files);
      server.setSecureContext(context);
      seen = version;
      failed = undefined;
      log.info({ validTo }, 'the TLS certificate was renewed');
    } catch (error) {
      // Between the writing of the one file and of the other they do not match: the next look will tell.
      const reason = messageOf(error);
      if (failed === `${version} ${reason}`) {
        seen = version;
        log.warn(
          { error: reason },
          'the TLS files changed and cannot be used; the certificate stays as it was',
        );
      }
      failed = `${version} ${reason}`;
    }
  }, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}

function versionOf({ cert, key }: TlsFiles): string {
  return [cert, key]
    .map((path) => {
      const found = statSync(path, { throwIfNoEntry: false });
      return found ? `${found.ino}:${found.mtimeMs}:${found.size}` : 'absent';
    })
    .join(' ');
}

function readNamed(setting: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Error(`${setting} is ${path}, which cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
