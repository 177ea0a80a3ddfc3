import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

const prefix = 'hive_';
const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 62^43 is just above 2^256. */
const bodyLength = 43;
/** 62^6 is above 2^32. */
const checksumLength = 6;
const shape = new RegExp(`^${prefix}([0-9A-Za-z]{${bodyLength}})([0-9A-Za-z]{${checksumLength}})$`);
/** What is shown of a key once its secret is gone: enough to tell keys apart, 24 of its 256 bits. */
const startLength = prefix.length + 4;

/**
 * A new secret: `hive_`, 256 random bits in base62, and their CRC-32 in base62, so that whoever finds one in a repository or
 * log can tell a real one from a lookalike without asking us (the format of GitHub's tokens).
 */
export function createApiKeySecret(random: (size: number) => Uint8Array = randomBytes): string {
  let body = '';
  while (body.length < bodyLength) {
    for (const byte of random(bodyLength)) {
      // 248 is the largest multiple of 62 in a byte: taking more would favour the first letters.
      if (byte < 248 && body.length < bodyLength) body += alphabet[byte % 62];
    }
  }
  return prefix + body + checksumOf(body);
}

/** @returns the same text when it has the form of a key and its checksum holds, else undefined; asks nobody */
export function parseApiKey(text: string): string | undefined {
  const match = shape.exec(text);
  return match && checksumOf(match[1]!) === match[2] ? text : undefined;
}

/** What is stored of a secret, 32 bytes. It has too much entropy to be guessed, so a plain hash is enough. */
export function hashApiKey(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

export function startOfApiKey(secret: string): string {
  return secret.slice(0, startLength);
}

function checksumOf(body: string): string {
  let rest = crc32(body);
  let text = '';
  for (let index = 0; index < checksumLength; index += 1) {
    text = alphabet[rest % 62]! + text;
    rest = Math.floor(rest / 62);
  }
  return text;
}
