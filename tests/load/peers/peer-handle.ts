import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { PeerEnvironment } from './queue-peer.ts';
import type { PeerCommand, PeerName, PeerReply, ThroughputResult } from './peer-process.ts';

/** One peer in a process of its own, so that no peer pays for another's heap; it stays warm from round to round. */
export class PeerHandle {
  readonly name: PeerName;
  readonly #child: ChildProcess;
  #settings = '';

  private constructor(name: PeerName, child: ChildProcess) {
    this.name = name;
    this.#child = child;
  }

  static async open(name: PeerName, environment: PeerEnvironment): Promise<PeerHandle> {
    const profile =
      process.env['BENCH_PROFILE'] === name
        ? ['--cpu-prof', `--cpu-prof-dir=${process.env['BENCH_PROFILE_DIR'] ?? '.'}`]
        : [];
    const child = fork(fileURLToPath(new URL('./peer-process.ts', import.meta.url)), { execArgv: profile });
    const handle = new PeerHandle(name, child);
    const reply = await handle.#ask({ type: 'open', peer: name, environment });
    if (reply.type === 'opened') handle.#settings = reply.settings;
    return handle;
  }

  get settings(): string {
    return this.#settings;
  }

  async throughput(count: number): Promise<ThroughputResult> {
    const reply = await this.#ask({ type: 'throughput', count });
    if (reply.type !== 'throughput') throw new Error(`${this.name} answered ${reply.type}`);
    return reply.result;
  }

  /** @returns start latencies, ms */
  async latency(count: number, everyMs: number): Promise<number[]> {
    const reply = await this.#ask({ type: 'latency', count, everyMs });
    if (reply.type !== 'latency') throw new Error(`${this.name} answered ${reply.type}`);
    return reply.startMs;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exited = once(this.#child, 'exit');
    await this.#ask({ type: 'close' }).catch(() => this.#child.kill('SIGKILL'));
    await exited;
  }

  async #ask(command: PeerCommand): Promise<PeerReply> {
    const answered = new AbortController();
    try {
      const reply = once(this.#child, 'message', { signal: answered.signal }) as Promise<[PeerReply]>;
      const gone = once(this.#child, 'exit', { signal: answered.signal }).then(([code]): never => {
        throw new Error(`${this.name} exited with ${String(code)}`);
      });
      this.#child.send(command);
      const [message] = await Promise.race([reply, gone]);
      if (message.type === 'failed') throw new Error(`${this.name}: ${message.message}`);
      return message;
    } finally {
      answered.abort();
    }
  }
}
