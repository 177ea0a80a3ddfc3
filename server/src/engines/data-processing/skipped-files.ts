import { basename } from 'node:path';

/** Larger files are not indexed and not read by tools. */
export const maxFileBytes = 1024 * 1024;

/** Folders that never hold what a person wrote for this project, whatever .gitignore says. */
const skippedFolders = new Set([
  '.git',
  '.hg',
  '.svn',
  '.hive',
  'node_modules',
  '.pnpm-store',
  '__pycache__',
  '.venv',
  '.tox',
  '.gradle',
]);

/** Folders whose whole purpose is to keep secrets. */
const secretFolders = new Set(['.ssh', '.gnupg', '.aws', '.azure', '.kube']);

const secretNames = [
  /^\.env(\..+)?$/,
  /\.(pem|key|p12|pfx|jks|keystore|kdbx|ppk|asc|gpg)$/,
  /^id_(rsa|dsa|ecdsa|ed25519)/,
  /^\.?credentials?(\.(json|ya?ml|toml|ini|txt|csv|xml|properties|db))?$/,
  /^\.?secrets?(\.(json|ya?ml|toml|ini|txt|csv|xml|properties|env))?$/,
  /^\.(npmrc|yarnrc|netrc|pypirc|pgpass|htpasswd|git-credentials|dockercfg|my\.cnf)$/,
  /^service[-_]?account.*\.json$/,
  /\.tfstate(\.backup)?$/,
];
/** Committed on purpose, without values. */
const secretExceptions = /^\.env\.(example|sample|template|dist|defaults)$/;

const generatedNames = [
  /^(package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|yarn\.lock|bun\.lockb?|cargo\.lock|poetry\.lock|uv\.lock|composer\.lock|gemfile\.lock|go\.sum|flake\.lock)$/,
  /\.min\.(js|css|mjs)$/,
  /\.(map|tsbuildinfo|snap)$/,
  /\.svg$/,
];

export function isSkippedFolder(name: string): boolean {
  return skippedFolders.has(name) || secretFolders.has(name.toLowerCase());
}

/** Whether a path inside a project names a secret, by the name of the file or of a folder on the way. */
export function isSecretPath(path: string): boolean {
  const parts = path.toLowerCase().split(/[\\/]/);
  if (parts.slice(0, -1).some((part) => secretFolders.has(part))) return true;
  const name = basename(parts.at(-1) ?? '');
  return !secretExceptions.test(name) && secretNames.some((pattern) => pattern.test(name));
}

/** Whether a path is inside version control or our own data, where tools have no business. */
export function isPrivatePath(path: string): boolean {
  return path.split(/[\\/]/).some((part) => ['.git', '.hg', '.svn', '.hive'].includes(part.toLowerCase()));
}

/** Lock files, minified bundles and the like: text, but nobody's prose. */
export function isGeneratedPath(path: string): boolean {
  const name = basename(path).toLowerCase();
  return generatedNames.some((pattern) => pattern.test(name));
}

/** A private key pasted into a file with a harmless name. */
export function holdsPrivateKey(text: string): boolean {
  return /^-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----\s*$/m.test(text);
}

export function isBinary(bytes: Uint8Array): boolean {
  return bytes.includes(0);
}
