/** Settings of the language models that may also be stored as secrets. */
interface ModelKeys {
  readonly openaiApiKey?: string;
  readonly anthropicApiKey?: string;
}

/** Stored under these names, in the hive's first workspace: there is one gateway to the models. */
export const modelKeySecrets = {
  openaiApiKey: 'llm.openai.apiKey',
  anthropicApiKey: 'llm.anthropic.apiKey',
} as const;

/**
 * The settings with stored keys where the configuration has none: the environment wins.
 * @param read of the secrets of the hive's first workspace, undefined for one that is not set
 */
export async function withStoredKeys<Config extends ModelKeys>(
  config: Config,
  read: (name: string) => Promise<string | undefined>,
): Promise<Config> {
  const openaiApiKey = config.openaiApiKey ?? (await read(modelKeySecrets.openaiApiKey));
  const anthropicApiKey = config.anthropicApiKey ?? (await read(modelKeySecrets.anthropicApiKey));
  return {
    ...config,
    ...(openaiApiKey === undefined ? {} : { openaiApiKey }),
    ...(anthropicApiKey === undefined ? {} : { anthropicApiKey }),
  };
}
