import { textOf } from './text-of.ts';

interface RequestError {
  networkError?: Error | undefined;
  graphQLErrors: readonly { message: string; extensions?: Record<string, unknown> | undefined }[];
}

export interface ErrorDescription {
  code: string;
  heading: string;
  message: string;
}

const HEADINGS: Readonly<Record<string, string>> = {
  FORBIDDEN: 'Not for your role',
  RATE_LIMITED: 'Too many requests',
  UNAUTHENTICATED: 'Signed out',
};

/** Puts a failed request into words. Masked errors carry a request id, which the operator finds in the log. */
export function describeError(error: RequestError, offline: boolean): ErrorDescription {
  const first = error.graphQLErrors[0];
  if (first) {
    const code = textOf(first.extensions?.['code'], 'INTERNAL');
    const requestId = first.extensions?.['requestId'];
    return {
      code: typeof requestId === 'string' ? `${code} · ${requestId}` : code,
      heading: HEADINGS[code] ?? 'The hive could not answer',
      message: first.message,
    };
  }
  if (offline) {
    return {
      code: 'OFFLINE',
      heading: 'Not on this phone yet',
      message: 'This has not been opened here before. It loads by itself once the hive can be reached.',
    };
  }
  if (error.networkError?.name === 'TimeoutError') {
    return {
      code: 'TIMEOUT',
      heading: 'The hive is slow to answer',
      message: 'No answer within 15 seconds.',
    };
  }
  return {
    code: 'NETWORK',
    heading: 'The hive cannot be reached',
    message: `No connection to ${globalThis.location?.host ?? 'the server'}. Is it running?`,
  };
}
