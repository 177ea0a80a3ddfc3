/** The little of autocannon that the bench uses; it brings no types. */
declare module 'autocannon' {
  interface Options {
    url: string;
    method: 'GET' | 'POST';
    headers?: { [name: string]: string };
    body?: string;
    connections: number;
    /** Requests per second, of all connections together. */
    overallRate?: number;
    /** Seconds. */
    duration: number;
  }
  interface Result {
    errors: number;
    timeouts: number;
    non2xx: number;
    duration: number;
    requests: { total: number };
    /** Milliseconds. */
    latency: { p50: number; p99: number; p97_5: number };
  }
  export default function autocannon(options: Options): Promise<Result>;
}
