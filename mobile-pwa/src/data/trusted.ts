interface Policy {
  createScriptURL(url: string): unknown;
}

interface Factory {
  createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): Policy;
}

/** Not in every browser; where it is, the server's content policy lets text become a script's address only through this. */
const factory = (globalThis as { trustedTypes?: Factory }).trustedTypes;

const policy = factory?.createPolicy('hive-worker', {
  createScriptURL: (url) => {
    if (url !== '/sw.js') throw new TypeError(`${url} is no script of this app.`);
    return url;
  },
});

/** The address of the service worker, as a browser that enforces Trusted Types takes it. */
export function serviceWorkerUrl(): string {
  return (policy ? policy.createScriptURL('/sw.js') : '/sw.js') as string;
}
