import pg from 'pg';

/** What the session says of itself to the policies of row-level security, for the length of one transaction. */
export type ScopeSettings =
  | readonly [workspaceId: string]
  | readonly [workspaceId: string, projectIds: string];

const inWorkspace = {
  name: 'hive_scope',
  text: `select set_config('hive.workspace_id', $1, true)`,
};
/** Takes on the role whose policies look at projects, too. */
const inProjects = {
  name: 'hive_limited_scope',
  text: `select set_config('hive.workspace_id', $1, true), set_config('hive.project_ids', $2, true),
    set_config('role', 'hive_limited', true)`,
};

/** The parts of pg's protocol layer that a query talks to; pg 8 publishes no types for them. */
interface Wire {
  parsedStatements: { [name: string]: string | undefined };
  submittedNamedStatements: { [name: string]: string | undefined };
  stream: { cork(): void; uncork(): void };
  parse(statement: { name: string; text: string }): void;
  bind(portal: { statement: string; values: readonly string[] }): void;
  execute(portal: { portal: string }): void;
}

interface QueryOptions {
  text: string;
  name?: string;
  values: readonly unknown[];
  rowMode?: 'array';
}

/** pg's own query, as far as it is overridden here. */
interface BaseQuery {
  name: string | undefined;
  text: string;
  submit(wire: Wire): Error | null;
  handleDataRow(message: unknown): void;
  handleCommandComplete(message: unknown, wire: Wire): void;
  handleError(error: unknown, wire: Wire): void;
}
const Base = pg.Query as unknown as new (options: QueryOptions & { queryMode: 'extended' }) => BaseQuery;

/**
 * A statement with the settings of its tenancy in front, sent in one batch: everything up to the protocol's Sync is one
 * implicit transaction, so a transaction-local setting holds for exactly this statement and costs no round trip of its own.
 * (PostgreSQL documentation, "Extended Query" and "Pipelining".)
 *
 * pg asks the active query for its `name` to note which statement a ParseComplete or an error is about. Answers come in the
 * order of the requests, so until the setting is done this query goes by the setting's name.
 */
export class ScopedQuery extends Base {
  readonly #settings: ScopeSettings;
  #statement: { name: string | undefined; text: string } | undefined;

  /** @param settings values of `hive.workspace_id` and, for a tenant limited to projects, `hive.project_ids` */
  constructor(settings: ScopeSettings, { name, ...options }: QueryOptions) {
    // A plan holds for one role: under one name it would be made anew whenever the other one comes along.
    const own = name && settings.length === 2 ? `${name}_limited` : name;
    super({ ...options, ...(own ? { name: own } : {}), queryMode: 'extended' });
    this.#settings = settings;
  }

  override submit(wire: Wire): Error | null {
    const { name, text } = this;
    const known = name && (wire.parsedStatements[name] ?? wire.submittedNamedStatements[name]);
    // pg checks this, too, but only once the setting would already be on its way, with no Sync behind it.
    if (known && known !== text)
      return new Error(`Prepared statements must be unique: ${name} was used for another text`);
    // One packet, whatever the network stack would make of nine small writes.
    wire.stream.cork();
    try {
      this.#sendSettings(wire);
      const refused = super.submit(wire);
      this.#statement = { name, text };
      ({ name: this.name, text: this.text } = this.#setting);
      return refused;
    } finally {
      wire.stream.uncork();
    }
  }

  get #setting() {
    return this.#settings.length === 2 ? inProjects : inWorkspace;
  }

  /** The setting's own result is of no interest. */
  override handleDataRow(message: unknown): void {
    if (!this.#statement) super.handleDataRow(message);
  }

  override handleCommandComplete(message: unknown, wire: Wire): void {
    if (this.#statement) this.#becomeStatement(this.#statement);
    else super.handleCommandComplete(message, wire);
  }

  override handleError(error: unknown, wire: Wire): void {
    if (this.#statement) {
      // The server skipped everything behind the setting: the statement was never parsed.
      if (this.#statement.name) delete wire.submittedNamedStatements[this.#statement.name];
      this.#becomeStatement(this.#statement);
    }
    super.handleError(error, wire);
  }

  #becomeStatement({ name, text }: { name: string | undefined; text: string }): void {
    this.#statement = undefined;
    this.name = name;
    this.text = text;
  }

  #sendSettings(wire: Wire): void {
    const { name, text } = this.#setting;
    if (wire.parsedStatements[name] === undefined && wire.submittedNamedStatements[name] === undefined) {
      wire.parse({ name, text });
      wire.submittedNamedStatements[name] = text;
    }
    wire.bind({ statement: name, values: this.#settings });
    wire.execute({ portal: '' });
  }
}
