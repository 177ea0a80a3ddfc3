/** What an answer brought. `body` is whatever JSON it was. */
export interface Answer {
  status: number;
  headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests read what they expect, and fail where it is not there
  body: any;
}

/** Cookies and the Origin header: what a page of the hive sends by itself. */
export class Browser {
  readonly origin: string;
  readonly #headers: Record<string, string>;
  readonly #connectTo: string;
  readonly #cookies = new Map<string, string>();
  /** Set-Cookie headers of the last answer. */
  setCookies: string[] = [];

  /** @param connectTo where the server listens, when a proxy in front of it is pretended */
  constructor(origin: string, headers: Record<string, string>, connectTo = origin) {
    this.origin = origin;
    this.#connectTo = connectTo;
    this.#headers = headers;
  }

  get cookie(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  /** Names of the cookies it holds. */
  get cookieNames(): string[] {
    return [...this.#cookies.keys()];
  }

  setCookie(name: string, value: string): void {
    this.#cookies.set(name, value);
  }

  post(path: string, body: unknown = {}, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send('POST', path, {
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', origin: this.origin, ...headers },
    });
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send('GET', path, { headers });
  }

  async send(
    method: string,
    path: string,
    { body, headers = {} }: { body?: string; headers?: Record<string, string> },
  ): Promise<Answer> {
    const url = path.startsWith('http') ? path : `${this.#connectTo}/api/auth${path}`;
    const response = await fetch(url, {
      method,
      redirect: 'manual',
      headers: { ...this.#headers, ...(this.#cookies.size > 0 ? { cookie: this.cookie } : {}), ...headers },
      ...(body === undefined ? {} : { body }),
    });
    this.#keep(response);
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: parse(text) };
  }

  #keep(response: Response): void {
    this.setCookies = response.headers.getSetCookie();
    for (const line of this.setCookies) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
      if (value === '' || /max-age=0/i.test(line)) this.#cookies.delete(name!);
      else this.#cookies.set(name!, value!);
    }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
