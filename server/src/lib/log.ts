import type { Logger as PinoLogger } from 'pino';

/** What components log through; pino in production, a silent pino in tests. */
export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error'>;
