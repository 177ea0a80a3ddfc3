/** What the model gateway says of a provider; the shape of llm's own status. */
export interface ProviderStatus {
  name: string;
  kind: 'OLLAMA' | 'LLAMACPP' | 'OPENAI_COMPATIBLE' | 'OPENAI' | 'ANTHROPIC' | 'EXTRACTIVE';
  status: 'UP' | 'DEGRADED' | 'DOWN';
  address?: string | null;
  models: readonly string[];
  failure?: { code: string; message: string } | null;
  breakerState: 'CLOSED' | 'OPEN' | 'HALF_OPEN';
  checkedAt?: Date | string | null;
}
