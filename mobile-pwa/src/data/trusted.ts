interface Rules {
  createScriptURL(url: string): string;
  createHTML(html: string): string;
}

interface Factory {
  createPolicy<Name extends keyof Rules>(
    name: string,
    rules: Pick<Rules, Name>,
  ): { [Key in Name]: (text: string) => unknown };
}

/** Not in every browser; where it is, the server's content policy lets text become a script's address or markup only through these. */
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

const entities = factory?.createPolicy('hive-entity', {
  createHTML: (html) => {
    if (!/^&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]\w{1,31});$/i.test(html))
      throw new TypeError('Only a single character reference is parsed.');
    return html;
  },
});

/** One character reference such as `&eacute;`, which cannot hold markup, for a parser that takes nothing else as text. */
export function characterReference(entity: string): string {
  return (entities ? entities.createHTML(entity) : entity) as string;
}
