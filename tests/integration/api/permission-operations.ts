import {
  newAgent,
  newApiKey,
  newGoal,
  newInvitation,
  newMember,
  newTask,
  newWaitingTask,
  type World,
} from './permission-world.ts';

type Variables = Record<string, unknown>;

export interface Operation {
  text: string;
  /** Made anew for each actor, so that one does not meet what another has done. */
  variables?: (world: World) => Variables | Promise<Variables>;
}

const page = (field: string) => ({ text: `query { ${field}(first: 1) { edges { cursor } } }` });
const byId = (field: string, type: string, make: (world: World) => Promise<string> | string) => ({
  text: `query ($id: ID!) { ${field}(id: $id) { ... on ${type} { id } } }`,
  variables: async (world: World) => ({ id: await make(world) }),
});

/** One plausible use of each field an operation can begin with. */
export const queries: Readonly<Record<string, Operation>> = {
  viewer: { text: 'query { viewer { role permissions { action } workspaces { role } } }' },
  node: byId('node', 'Task', newTask),
  nodes: {
    text: 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }',
    variables: async (world) => ({ ids: [await newTask(world)] }),
  },
  health: { text: 'query { health { status } }' },
  goal: byId('goal', 'Goal', newGoal),
  goals: page('goals'),
  workflowRuns: page('workflowRuns'),
  task: byId('task', 'Task', newTask),
  tasks: page('tasks'),
  events: page('events'),
  latestEventCursor: { text: 'query { latestEventCursor }' },
  agent: byId('agent', 'Agent', newAgent),
  agents: page('agents'),
  crews: page('crews'),
  project: byId('project', 'Project', (world) => `Project:${world.projectId}`),
  projects: page('projects'),
  members: page('members'),
  invitations: { text: 'query { invitations { id } }' },
  apiKeys: page('apiKeys'),
  auditEntries: page('auditEntries'),
  auditState: { text: 'query { auditState { sealedCount } }' },
  secrets: { text: 'query { secrets { name } }' },
  retention: { text: 'query { retention { eventDays auditDays addressDays sessionDays } }' },
};

const mutation = (
  field: string,
  input: (world: World) => Variables | Promise<Variables>,
): [string, Operation] => {
  const type = `${field[0]!.toUpperCase()}${field.slice(1)}Input`;
  const shared: Readonly<Record<string, string>> = {
    pauseAgent: 'AgentActionInput',
    resumeAgent: 'AgentActionInput',
    retireAgent: 'AgentActionInput',
  };
  const selection = '__typename ... on Error { code message } ... on ForbiddenError { reason action }';
  return [
    field,
    {
      text: `mutation ($input: ${shared[field] ?? type}!) { ${field}(input: $input) { ${selection} } }`,
      variables: async (world) => ({ input: await input(world) }),
    },
  ];
};
const onGoal = async (world: World) => ({ goalId: await newGoal(world) });
const onAgent = async (world: World) => ({ agentId: await newAgent(world) });
const onKey = async (world: World) => ({ apiKeyId: await newApiKey(world) });
const nodes = [{ id: 'look', title: 'Look', instruction: 'look again', capabilities: [], dependsOn: [] }];
const unique = () => crypto.randomUUID().slice(0, 8);

export const mutations: Readonly<Record<string, Operation>> = Object.fromEntries([
  mutation('dispatchGoal', ({ projectId }) => ({ text: 'Explain it', projectId: `Project:${projectId}` })),
  mutation('acceptPlan', onGoal),
  mutation('editPlan', async (world) => ({ ...(await onGoal(world)), nodes })),
  mutation('cancelGoal', onGoal),
  mutation('createTask', ({ projectId }) => ({
    ...{ title: 'a task', instruction: 'do it', projectId: `Project:${projectId}` },
  })),
  mutation('cancelTask', async (world) => ({ taskId: await newTask(world) })),
  mutation('retryTask', async (world) => ({ taskId: await newTask(world, 'FAILED') })),
  mutation('resolveStep', async (world) => ({ ...(await newWaitingTask(world)), decision: 'FAIL' })),
  mutation('registerAgent', () => ({
    ...{ name: `agent ${unique()}`, role: 'researcher', kind: 'EXTRACTIVE', capabilities: ['research'] },
  })),
  mutation('updateAgent', async (world) => ({ ...(await onAgent(world)), maxConcurrency: 3 })),
  mutation('pauseAgent', onAgent),
  mutation('resumeAgent', onAgent),
  mutation('retireAgent', onAgent),
  mutation('registerProject', () => ({ rootPath: '.' })),
  mutation('reindexProject', ({ projectId }) => ({ projectId: `Project:${projectId}` })),
  mutation('createWorkspace', () => ({ name: 'Another', slug: `another-${unique()}` })),
  mutation('updateWorkspace', () => ({ name: 'Renamed' })),
  mutation('leaveWorkspace', () => ({})),
  mutation('inviteMember', () => ({ role: 'VIEWER' })),
  mutation('revokeInvitation', async (world) => ({ invitationId: await newInvitation(world) })),
  mutation('changeMember', async (world) => ({
    ...{ memberId: `Member:${await newMember(world)}`, role: 'OPERATOR' },
  })),
  mutation('removeMember', async (world) => ({ memberId: `Member:${await newMember(world)}` })),
  mutation('createApiKey', () => ({ name: 'a key', role: 'VIEWER' })),
  mutation('rotateApiKey', onKey),
  mutation('revokeApiKey', onKey),
  mutation('setSecret', () => ({ name: 'llm.openai.apiKey', value: `sk-${unique()}` })),
  mutation('deleteSecret', async ({ pool, workspaceId }) => {
    const name = `token.${unique()}`;
    await pool.query(
      `insert into secret (workspace_id, name, ciphertext, key_id) values ($1, $2, 'none', 'none')`,
      [workspaceId, name],
    );
    return { name };
  }),
  mutation('rotateSecrets', async ({ pool }) => {
    // What other operations left cannot be decrypted.
    await pool.query(`delete from secret where ciphertext = 'none'`);
    return {};
  }),
  mutation('erasePerson', async (world) => ({ personId: `Person:${await newMember(world)}` })),
]);

export const subscriptions: Readonly<Record<string, Operation>> = {
  events: { text: 'subscription { events { type } }' },
  taskUpdated: byIdLive('taskUpdated', 'id', newTask),
  taskOutput: byIdLive('taskOutput', 'taskId', newTask),
  planUpdated: {
    text: 'subscription ($id: ID!) { planUpdated(goalId: $id) { id } }',
    variables: async (world) => ({ id: await newGoal(world) }),
  },
  agentStatus: byIdLive('agentStatus', 'id', newAgent, 'agentId'),
  memoryOperations: { text: 'subscription { memoryOperations { operation } }' },
  systemHealth: { text: 'subscription { systemHealth { status } }' },
};

function byIdLive(
  field: string,
  selection: string,
  make: (world: World) => Promise<string>,
  argument = 'id',
): Operation {
  return {
    text: `subscription ($id: ID!) { ${field}(${argument}: $id) { ${selection} } }`,
    variables: async (world) => ({ id: await make(world) }),
  };
}
