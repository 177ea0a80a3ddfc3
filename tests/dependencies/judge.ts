import { z } from 'zod';

export const severities = ['info', 'low', 'moderate', 'high', 'critical'] as const;
type Severity = (typeof severities)[number];

/** Every exception says why it is one, and until when: then somebody looks again. */
const exception = z.strictObject({ id: z.string().min(1), reason: z.string().min(10), until: z.iso.date() });

/** `policy.json`: what this project accepts of the packages it is built on. */
export const policySchema = z.strictObject({
  advisories: z.strictObject({ failFrom: z.enum(severities), accepted: z.array(exception) }),
  licenses: z.strictObject({ allowed: z.array(z.string()), exceptions: z.array(exception) }),
  deprecated: z.strictObject({ accepted: z.array(exception) }),
  /** Packages that may run code when they are installed; a name may end in `*`. */
  buildScripts: z.array(z.string()),
});
export type Policy = z.output<typeof policySchema>;

export interface Advisory {
  /** GHSA or CVE. */
  id: string;
  package: string;
  severity: Severity;
  title: string;
  vulnerable: string;
  patched: string | null;
  url: string;
}

export interface Facts {
  /** ISO date. */
  today: string;
  advisories: readonly Advisory[];
  /** Why the advisories could not be read; undefined when they were. */
  advisoriesUnread: string | undefined;
  licenses: readonly { package: string; license: string }[];
  deprecated: readonly { package: string; reason: string }[];
  /** Locked without a checksum, or from elsewhere than the registry. */
  unverified: readonly string[];
  buildScripts: readonly string[];
}

export interface Judgement {
  violations: string[];
  /** Worth reading, not against the policy. */
  notes: string[];
}

/** Pure: what of the facts is against the policy. */
export function judge(facts: Facts, policy: Policy): Judgement {
  const violations: string[] = [];
  const notes: string[] = [];
  const holds = (accepted: readonly z.output<typeof exception>[], ids: readonly string[]) => {
    const found = accepted.find(({ id }) => ids.includes(id));
    if (!found) return false;
    if (found.until < facts.today) {
      violations.push(
        `The exception for ${found.id} ended on ${found.until} (${found.reason}): renew or remove it.`,
      );
      return true;
    }
    notes.push(`${found.id} is accepted until ${found.until}: ${found.reason}`);
    return true;
  };

  if (facts.advisoriesUnread) notes.push(`Advisories were NOT checked: ${facts.advisoriesUnread}`);
  for (const advisory of facts.advisories) {
    const text = `${advisory.severity}: ${advisory.package} ${advisory.vulnerable}: ${advisory.title} (${advisory.id}, ${advisory.patched ? `fixed in ${advisory.patched}` : 'no fix yet'}, ${advisory.url})`;
    if (severities.indexOf(advisory.severity) < severities.indexOf(policy.advisories.failFrom))
      notes.push(text);
    else if (!holds(policy.advisories.accepted, [advisory.id])) violations.push(text);
  }
  for (const { package: name, license } of facts.licenses) {
    if (!isAllowed(license, policy.licenses.allowed) && !holds(policy.licenses.exceptions, [name]))
      violations.push(`${name} is licensed ${license}, which the policy does not list.`);
  }
  for (const { package: name, reason } of facts.deprecated) {
    if (!holds(policy.deprecated.accepted, [name])) violations.push(`${name} is deprecated: ${reason}`);
  }
  for (const name of facts.unverified)
    violations.push(`${name} is locked without a checksum of the registry.`);
  for (const name of facts.buildScripts) {
    if (!policy.buildScripts.some((allowed) => matches(allowed, name)))
      violations.push(`${name} runs code when it is installed and is not in buildScripts.`);
  }
  return { violations: [...new Set(violations)], notes: [...new Set(notes)] };
}

/** `(MIT OR GPL-3.0)` needs one of them, `MIT AND ISC` all. */
function isAllowed(expression: string, allowed: readonly string[]): boolean {
  const bare = expression.replaceAll(/[()]/g, '');
  return bare
    .split(/\s+OR\s+/i)
    .some((choice) => choice.split(/\s+AND\s+/i).every((license) => allowed.includes(license.trim())));
}

function matches(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}
