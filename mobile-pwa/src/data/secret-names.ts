/** Secrets the hive itself reads, each with what to call it. A setting of the server's environment goes before them. */
export const SECRETS = [
  { name: 'llm.openai.apiKey', label: 'OpenAI API key', kind: 'OPENAI', setting: 'OPENAI_API_KEY' },
  {
    name: 'llm.anthropic.apiKey',
    label: 'Anthropic API key',
    kind: 'ANTHROPIC',
    setting: 'ANTHROPIC_API_KEY',
  },
] as const;
