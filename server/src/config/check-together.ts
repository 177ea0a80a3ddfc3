import { getAt } from './values-at.ts';
import { settings } from './schema.ts';

/** Settings that mean something only with each other. */
const together: readonly (readonly string[])[] = [
  ['server.tlsCert', 'server.tlsKey'],
  ['identity.github.clientId', 'identity.github.clientSecret'],
  ['identity.google.clientId', 'identity.google.clientSecret'],
  ['identity.oidc.issuer', 'identity.oidc.clientId', 'identity.oidc.clientSecret'],
];

/** One line for each group of which some are set and some are not. */
export function findHalfSet(values: unknown): string[] {
  return together.flatMap((names) => {
    const missing = names.filter((name) => getAt(values, name.split('.')) === undefined);
    if (missing.length === 0 || missing.length === names.length) return [];
    const present = names.filter((name) => !missing.includes(name));
    return [
      `${list(present)} ${present.length === 1 ? 'is' : 'are'} set without ${list(missing)}; set ${names.length === 2 ? 'both' : 'all of them'} or none.`,
    ];
  });
}

function list(names: readonly string[]): string {
  return names.map((name) => settings.find(({ path }) => path.join('.') === name)!.env).join(' and ');
}
