/** Entities older than these are forgotten first; far more than one screen ever shows. */
const MAX_KNOWN = 2_000;

interface Known {
  version: number;
  fields: Record<string, unknown>;
}

/**
 * Keeps an older answer from overwriting a newer one.
 *
 * A query sent before an event may be answered after it. Every object with an id and a version that passes is
 * compared with the newest one seen: an older object has its fields replaced by the newest known ones, so that
 * what reaches the cache never goes back in time. Fields the newest did not carry are let through.
 */
export class VersionGuard {
  readonly #known = new Map<string, Known>();

  /** @returns the data to write: the same object when nothing in it is out of date. */
  admit<T>(data: T): T {
    return this.#visit(data) as T;
  }

  #visit(value: unknown): unknown {
    if (Array.isArray(value)) {
      const items: unknown[] = value.map((item) => this.#visit(item));
      return items.some((item, index) => item !== value[index]) ? items : value;
    }
    if (typeof value !== 'object' || value === null) return value;
    const source = value as Record<string, unknown>;
    let result = source;
    for (const [field, child] of Object.entries(source)) {
      const admitted = this.#visit(child);
      if (admitted === child) continue;
      if (result === source) result = { ...source };
      result[field] = admitted;
    }
    return this.#reconcile(result);
  }

  #reconcile(entity: Record<string, unknown>): Record<string, unknown> {
    const { __typename: typename, id, version } = entity;
    if (typeof typename !== 'string' || typeof id !== 'string' || typeof version !== 'number') return entity;
    const key = `${typename}:${id}`;
    const known = this.#known.get(key);
    if (known && version < known.version) {
      const fields = Object.keys(entity).map((field) => {
        const name = fieldName(field);
        return [field, name in known.fields ? known.fields[name] : entity[field]];
      });
      return Object.fromEntries(fields) as Record<string, unknown>;
    }
    const seen = Object.fromEntries(
      Object.entries(entity).map(([field, value]) => [fieldName(field), value]),
    );
    const fields = known && known.version === version ? { ...known.fields, ...seen } : seen;
    this.#known.delete(key);
    this.#known.set(key, { version, fields });
    const oldest = this.#known.keys().next();
    if (this.#known.size > MAX_KNOWN && !oldest.done) this.#known.delete(oldest.value);
    return entity;
  }
}

/** The events document aliases `status` per type (see schema/operations/events.ts); it is one field all the same. */
function fieldName(responseKey: string): string {
  return responseKey.startsWith('statusOf') ? 'status' : responseKey;
}
