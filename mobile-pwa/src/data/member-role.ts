/** From most to least; each role can do what those behind it can. */
export const ROLES = ['OWNER', 'ADMIN', 'OPERATOR', 'VIEWER'] as const;
export type MemberRole = (typeof ROLES)[number];

export const ROLE_NAMES: Record<MemberRole, string> = {
  OWNER: 'Owner',
  ADMIN: 'Admin',
  OPERATOR: 'Operator',
  VIEWER: 'Viewer',
};

/** What a role is for, in one line. */
export const ROLE_TEXTS: Record<MemberRole, string> = {
  OWNER: 'Everything, other owners and erasing people included.',
  ADMIN: 'Manages members, agents, folders, keys and secrets, and reads the audit trail.',
  OPERATOR: 'Dispatches goals, steers and stops work, makes keys of their own.',
  VIEWER: 'Sees the work and changes nothing.',
};

export function isAtLeast(role: MemberRole, least: MemberRole): boolean {
  return ROLES.indexOf(role) <= ROLES.indexOf(least);
}

/** Owners reach everybody, everyone else only those below them. */
export function reaches(own: MemberRole, member: MemberRole): boolean {
  return own === 'OWNER' || !isAtLeast(member, own);
}

/** The roles someone may give: up to their own. */
export function rolesToGive(own: MemberRole): MemberRole[] {
  return ROLES.filter((role) => isAtLeast(own, role));
}

/** The server's words with roles as the app writes them. */
export function nameRoles(message: string): string {
  return message.replace(/\b(?:OWNER|ADMIN|OPERATOR|VIEWER)\b/g, (role) => ROLE_NAMES[role as MemberRole]);
}
