import type { Action } from '../engines/security/rules.ts';

/**
 * `SELF`: any actor may ask, and the resolver answers with what they may see: about themselves, or by the type that an id
 * turns out to be of.
 */
export type RootRule = Action | 'SELF';

export type RootType = 'Query' | 'Mutation' | 'Subscription';

/** What each field that an operation can begin with does. A schema with a field that is not listed here is not built. */
export const rootActions: Readonly<Record<RootType, Readonly<Record<string, RootRule>>>> = {
  Query: {
    viewer: 'SELF',
    node: 'SELF',
    nodes: 'SELF',
    health: 'health.read',
    goal: 'goal.read',
    goals: 'goal.read',
    workflowRuns: 'goal.read',
    task: 'task.read',
    tasks: 'task.read',
    events: 'event.read',
    latestEventCursor: 'event.read',
    agent: 'agent.read',
    agents: 'agent.read',
    crews: 'agent.read',
    project: 'project.read',
    projects: 'project.read',
    members: 'member.read',
    invitations: 'invitation.read',
    apiKeys: 'key.read',
    auditEntries: 'audit.read',
    auditState: 'audit.read',
    secrets: 'secret.read',
    retention: 'workspace.read',
  },
  Mutation: {
    dispatchGoal: 'goal.dispatch',
    acceptPlan: 'goal.steer',
    editPlan: 'goal.steer',
    cancelGoal: 'goal.steer',
    createTask: 'task.create',
    cancelTask: 'task.steer',
    retryTask: 'task.steer',
    resolveStep: 'decision.make',
    registerAgent: 'agent.manage',
    updateAgent: 'agent.manage',
    pauseAgent: 'agent.operate',
    resumeAgent: 'agent.operate',
    retireAgent: 'agent.retire',
    registerProject: 'project.register',
    reindexProject: 'project.reindex',
    createWorkspace: 'workspace.create',
    updateWorkspace: 'workspace.update',
    leaveWorkspace: 'member.leave',
    inviteMember: 'member.invite',
    revokeInvitation: 'member.invite',
    changeMember: 'member.change',
    removeMember: 'member.remove',
    createApiKey: 'key.create',
    rotateApiKey: 'key.change',
    revokeApiKey: 'key.change',
    setSecret: 'secret.write',
    deleteSecret: 'secret.write',
    rotateSecrets: 'secret.rotate',
    erasePerson: 'person.erase',
  },
  Subscription: {
    events: 'event.read',
    taskUpdated: 'task.read',
    taskOutput: 'task.read',
    planUpdated: 'goal.read',
    agentStatus: 'agent.read',
    memoryOperations: 'memory.read',
    systemHealth: 'health.read',
  },
};
