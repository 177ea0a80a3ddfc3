/** An agent's role, unless its name says the same. */
export function describeRole(agent: { name: string; role: string }): string {
  return agent.role.toLowerCase() === agent.name.toLowerCase() ? '' : agent.role;
}
