import { css, html, LitElement, nothing } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { auditEntriesQuery, auditStateQuery } from '@hive/schema/operations/audit.ts';
import type { ResultOf } from '@hive/schema/operations/graphql.ts';
import { membersQuery } from '@hive/schema/operations/members.ts';
import { ClockController } from '../controllers/clock-controller.ts';
import { EventController } from '../controllers/event-controller.ts';
import { PagedController } from '../controllers/paged-controller.ts';
import { QueryController } from '../controllers/query-controller.ts';
import { announce } from '../data/announce.ts';
import {
  ACTION_GROUPS,
  OUTCOMES,
  PERIODS,
  readAuditFilter,
  whereOf,
  writeAuditFilter,
  type AuditFilter,
} from '../data/audit-filter.ts';
import { download } from '../data/download.ts';
import { formatCount } from '../data/format.ts';
import { hive } from '../data/hive.ts';
import { session } from '../data/session.ts';
import { navigate } from '../navigation.ts';
import { base, buttons, fields, rows } from '../styles/base.ts';
import '../components/hive-audit-entry.ts';
import '../components/hive-copy.ts';
import '../components/hive-empty.ts';
import '../components/hive-more.ts';
import '../components/hive-not-allowed.ts';
import '../components/hive-page-header.ts';
import '../components/hive-problem.ts';
import '../components/hive-skeleton.ts';

/** Audit entries come by no event: what is new is asked for this often while somebody looks. */
const REFRESH_MS = 10_000;
const TYPING_PAUSE_MS = 350;

/** Who did what, newest first, and how far the chain of hashes over it reaches. */
export class HiveAuditView extends LitElement {
  static override properties = {
    itemId: {},
    _filter: { state: true },
    _problem: { state: true },
    _said: { state: true },
    _exporting: { state: true },
  };

  declare itemId: string;
  declare _filter: AuditFilter;
  declare _problem: string;
  declare _said: string;
  declare _exporting: boolean;
  #refresh: ReturnType<typeof setInterval> | undefined;
  #typing: ReturnType<typeof setTimeout> | undefined;

  readonly #entries = new PagedController(this, {
    query: auditEntriesQuery,
    variables: () => (this.#reads ? { where: whereOf(this._filter, Date.now()) } : undefined),
    connection: (data: ResultOf<typeof auditEntriesQuery>) => data.auditEntries,
    belongs: () => undefined,
    pageSize: 30,
  });
  readonly #state = new QueryController(this, {
    query: auditStateQuery,
    variables: () => (this.#reads ? {} : undefined),
  });
  readonly #members = new QueryController(this, {
    query: membersQuery,
    variables: () => (this.#reads ? { first: 100, after: null } : undefined),
  });

  constructor() {
    super();
    this.itemId = '';
    this._filter = readAuditFilter(location.search);
    this._problem = '';
    this._said = '';
    this._exporting = false;
    new EventController(this, [session, 'change']);
    new ClockController(this, () => 30_000);
  }

  get #reads(): boolean {
    return session.may('audit.read').allowed;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#refresh = setInterval(() => {
      if (document.visibilityState !== 'visible' || hive.connection.status !== 'live' || !this.#reads) return;
      this.#entries.refetch();
      this.#state.refetch();
    }, REFRESH_MS);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#refresh);
    clearTimeout(this.#typing);
  }

  protected override render() {
    const reading = session.may('audit.read');
    return html`
      <hive-page-header heading="Audit trail" back-href="/settings" back-label="Settings">
        <p class="small muted">
          What was done, tried or decided in ${session.viewer?.workspaceName || 'this workspace'}.
        </p>
      </hive-page-header>
      ${
        reading.allowed
          ? html`${this.#renderChain()} ${this.#renderFilter()} ${this.#renderEntries()}`
          : html`<hive-not-allowed
              heading="The audit trail is for admins"
              .message=${reading.message ?? ''}
            ></hive-not-allowed>`
      }
    `;
  }

  #renderFilter() {
    const { text, group, outcome, person, period } = this._filter;
    const people = this.#members.data?.members.edges.map(({ node }) => node.person) ?? [];
    const narrowed = [group, outcome, person, period].filter((value) => value !== '').length;
    return html`
      <search>
        <label for="text" class="hidden-text">Search the trail</label>
        <input
          id="text"
          type="search"
          enterkeyhint="search"
          autocomplete="off"
          placeholder="Search: a name, an action, an id"
          maxlength="200"
          .value=${text}
          @input=${this.#onText}
        />
        <details class="fold filters" ?open=${narrowed > 0}>
          <summary class="small">
            ${narrowed === 0 ? 'Filter' : `Filter: ${formatCount(narrowed, 'condition')}`}
          </summary>
          <div class="grid">
            ${this.#renderSelect('group', 'About', 'Everything', group, ACTION_GROUPS)}
            ${this.#renderSelect('outcome', 'Outcome', 'Any', outcome, OUTCOMES)}
            ${this.#renderSelect(
              'person',
              'By',
              'Anybody',
              person,
              people.map(({ id, name }) => ({ value: id, label: name })),
            )}
            ${this.#renderSelect('period', 'When', 'Any time', period, PERIODS)}
          </div>
          ${narrowed > 0 ? html`<button class="plain" @click=${this.#onClear}>Clear the filter</button>` : nothing}
        </details>
      </search>
    `;
  }

  #renderSelect(
    name: keyof AuditFilter,
    label: string,
    any: string,
    value: string,
    options: readonly { value: string; label: string }[],
  ) {
    return html`
      <div>
        <label for=${name}>${label}</label>
        <select
          id=${name}
          @change=${(event: Event) => this.#set({ [name]: (event.target as HTMLSelectElement).value })}
        >
          <option value="" ?selected=${value === ''}>${any}</option>
          ${options.map(
            (option) =>
              html`<option value=${option.value} ?selected=${option.value === value}>
                ${option.label}
              </option>`,
          )}
        </select>
      </div>
    `;
  }

  #renderEntries() {
    const { nodes, error, loading, hasMore, loadingMore } = this.#entries;
    if (nodes.length === 0) {
      if (error)
        return html`<hive-problem .error=${error} @retry=${() => this.#entries.refetch()}></hive-problem>`;
      if (loading) return html`<hive-skeleton .lines=${8}></hive-skeleton>`;
      return whereOf(this._filter, Date.now())
        ? html`<hive-empty heading="Nothing like that" text="No entry meets all conditions.">
            <button @click=${this.#onClear}>Show everything</button>
          </hive-empty>`
        : html`<hive-empty
            heading="Nothing recorded yet"
            text="Every change, sign-in, use of a key and refused attempt appears here, and stays."
          ></hive-empty>`;
    }
    return html`
      <ul class="rows">
        ${
          // By entry: what somebody reads must not turn into another one when the list moves on above it.
          repeat(
            nodes,
            ({ id }) => id,
            (entry) => html`<li><hive-audit-entry .entry=${entry}></hive-audit-entry></li>`,
          )
        }
      </ul>
      <hive-more .more=${hasMore} .loading=${loadingMore} @more=${() => this.#entries.loadMore()}></hive-more>
    `;
  }

  #renderChain() {
    const state = this.#state.data?.auditState;
    const exporting = session.may('audit.export');
    return html`
      <details class="fold chain">
        <summary class="small">
          ${state ? `${formatCount(state.sealedCount, 'entry', 'entries')} sealed in a chain` : 'The chain'}
        </summary>
        <div class="panel">
          <p class="small">
            Each entry is sealed with a hash that covers the one before it. Keep the newest hash somewhere
            else: with it, <span class="mono">hive audit verify</span> on the server’s machine proves that
            nothing before it was changed.
          </p>
          ${
            state
              ? html`
                  <dl class="facts">
                    <dt>Not sealed yet</dt>
                    <dd>
                      ${state.unsealedCount === 0 ? 'none' : formatCount(state.unsealedCount, 'entry', 'entries')}
                    </dd>
                    <dt>Newest hash</dt>
                    <dd class="mono hash">${state.headHash ?? 'none yet'}</dd>
                  </dl>
                  ${state.headHash ? html`<hive-copy .text=${state.headHash} label="Copy hash"></hive-copy>` : nothing}
                `
              : nothing
          }
          ${
            exporting.allowed
              ? html`
                  <button @click=${this.#onExport}>
                    ${this._exporting ? 'Exporting' : 'Export as JSON Lines'}
                  </button>
                  <p class="fine muted">
                    The whole trail, an entry a line. It asks you to confirm who you are.
                  </p>
                `
              : html`<p class="fine muted">Exporting is for owners.</p>`
          }
          <p class="small problem" role="alert" ?hidden=${this._problem === ''}>${this._problem}</p>
          <p class="small muted" ?hidden=${this._said === ''}>${this._said}</p>
        </div>
      </details>
    `;
  }

  readonly #onText = (event: Event): void => {
    const text = (event.target as HTMLInputElement).value;
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => this.#set({ text }), TYPING_PAUSE_MS);
  };

  readonly #onClear = (): void => {
    this.#set({ text: '', group: '', outcome: '', person: '', period: '' });
  };

  #set(change: Partial<AuditFilter>): void {
    this._filter = { ...this._filter, ...change };
    navigate(location.pathname + writeAuditFilter(this._filter), { replace: true });
  }

  readonly #onExport = async (): Promise<void> => {
    if (this._exporting) return;
    this._problem = '';
    this._said = '';
    this._exporting = true;
    const outcome = await download('/api/audit/export', 'hive-audit.jsonl');
    this._exporting = false;
    if (outcome.ok) {
      this._said = `Saved as ${outcome.value}.`;
      announce(this._said);
      this.#entries.refetch();
    } else this._problem = outcome.message;
  };

  static override styles = [
    base,
    buttons,
    fields,
    rows,
    css`
      .chain {
        margin-block: calc(-1 * var(--hive-3)) var(--hive-2);
      }
      .chain > summary,
      .filters > summary {
        inline-size: fit-content;
        color: var(--hive-accent);
        font-weight: 600;
      }
      .chain > summary::after,
      .filters > summary::after {
        margin-inline-start: 0;
        border-color: var(--hive-accent);
      }
      search {
        display: block;
        margin-block-end: var(--hive-2);
      }
      .grid {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: var(--hive-3);
        padding-block: var(--hive-1) var(--hive-3);
      }
      .grid > div {
        display: grid;
        gap: var(--hive-1);
        min-inline-size: 0;
      }
      .grid select {
        font-size: var(--hive-text-15);
      }
      .plain {
        margin-inline-start: calc(-1 * var(--hive-4));
      }
      .panel {
        display: grid;
        gap: var(--hive-3);
        justify-items: start;
      }
      .hash {
        overflow-wrap: anywhere;
      }
      .problem {
        color: var(--hive-failed);
        font-weight: 600;
      }
    `,
  ];
}

customElements.define('hive-audit-view', HiveAuditView);

declare global {
  interface HTMLElementTagNameMap {
    'hive-audit-view': HiveAuditView;
  }
}
