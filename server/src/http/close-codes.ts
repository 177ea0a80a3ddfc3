/**
 * Codes this server closes a WebSocket with, besides those of the graphql-transport-ws protocol (4400 to 4500). The
 * graphql-ws client retries after each of these; a subscription with a cursor then goes on without gap or repeat.
 */
export const closeCodes = {
  /** "Service restart": the server is stopping. Connect again and resume from your cursor. */
  serverRestart: { code: 1012, reason: 'the server is restarting: resume from your cursor' },
  /** "Try again later": who you are, or still may do, cannot be checked at the moment. */
  cannotCheck: { code: 1013, reason: 'access cannot be checked: try again later' },
  /** Nobody valid, or what the socket was opened with has ended or changed. Sign in, then connect again. */
  forbidden: { code: 4403, reason: 'Forbidden' },
  /** More is waiting for this socket than its buffer holds. Connect again and resume from your cursor. */
  slowConsumer: { code: 4413, reason: 'slow consumer: resume from your cursor' },
} as const;

export type Closing = (typeof closeCodes)[keyof typeof closeCodes];
