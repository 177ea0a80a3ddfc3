/**
 * Codes this server closes a WebSocket with, besides those of the graphql-transport-ws protocol (4400 to 4500). The
 * graphql-ws client retries after each of these; a subscription with a cursor then goes on without gap or repeat.
 */
export const closeCodes = {
  /** "Service restart": the server is stopping. Connect again and resume from your cursor. */
  serverRestart: { code: 1012, reason: 'the server is restarting: resume from your cursor' },
  /** More is waiting for this socket than its buffer holds. Connect again and resume from your cursor. */
  slowConsumer: { code: 4413, reason: 'slow consumer: resume from your cursor' },
} as const;
