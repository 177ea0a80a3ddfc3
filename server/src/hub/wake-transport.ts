/** A way to reach the other processes of the hive. What it carries is a hint: losing it costs time, nothing else. */
export interface WakeTransport {
  /** Whether a publish would get through now, as far as is known. */
  readonly ready: boolean;
  start(handlers: WakeHandlers): void;
  /** @throws when the payloads could not be handed over */
  publish(payloads: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

export interface WakeHandlers {
  onPayload(payload: string): void;
  /** Listening again after a time in which payloads may have been missed. */
  onListening(): void;
}

export const wakeChannelName = 'hive_wake';
