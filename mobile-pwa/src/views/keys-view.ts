import { css, html, LitElement, nothing } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { apiKeysQuery, rotateApiKeyMutation } from '@hive/schema/operations/api-keys.ts';
import type { ResultOf } from '@hive/schema/operations/graphql.ts';
import type { HiveConfirm } from '../components/hive-confirm.ts';
import { ClockController } from '../controllers/clock-controller.ts';
import { EventController } from '../controllers/event-controller.ts';
import { PagedController } from '../controllers/paged-controller.ts';
import { SettledController } from '../controllers/settled-controller.ts';
import { act } from '../data/act.ts';
import { confirmAndSend } from '../data/direct.ts';
import { formatAge, formatDay, formatMoment, formatUntil } from '../data/format.ts';
import { describeScopes, SHOWN_BEFORE } from '../data/key-scopes.ts';
import { ROLE_NAMES } from '../data/member-role.ts';
import { session } from '../data/session.ts';
import { base, buttons, fields, rows } from '../styles/base.ts';
import '../components/hive-confirm.ts';
import '../components/hive-empty.ts';
import '../components/hive-key-secret.ts';
import '../components/hive-local-card.ts';
import '../components/hive-more.ts';
import '../components/hive-not-allowed.ts';
import '../components/hive-page-header.ts';
import '../components/hive-pending.ts';
import '../components/hive-problem.ts';
import '../components/hive-skeleton.ts';

type ApiKey = ResultOf<typeof apiKeysQuery>['apiKeys']['edges'][number]['node'];

const OVERLAPS = [
  { hours: 0, label: 'Not at all: it ends now' },
  { hours: 1, label: 'One more hour' },
  { hours: 24, label: 'One more day' },
  { hours: 168, label: 'One more week' },
];

interface Rotated {
  name: string;
  secret: string;
  /** Until when the old one works; null: it ended already. */
  oldUntil: string | null;
}

/** The keys programs sign in with: what each may do, when it was used, and how to replace or end it. */
export class HiveKeysView extends LitElement {
  static override properties = {
    itemId: {},
    _ended: { state: true },
    _asked: { state: true },
    _rotated: { state: true },
    _problem: { state: true },
    _sending: { state: true },
  };

  declare itemId: string;
  /** Whether keys that work no longer are listed, too. */
  declare _ended: boolean;
  /** The key a dialog is about. */
  declare _asked: ApiKey | undefined;
  declare _rotated: Rotated | undefined;
  declare _problem: { id: string; message: string } | undefined;
  declare _sending: boolean;

  readonly #keys = new PagedController(this, {
    query: apiKeysQuery,
    // One’s own keys are one’s own business, whatever the role.
    variables: () => (session.viewer?.person ? { includeRevoked: this._ended } : undefined),
    connection: (data: ResultOf<typeof apiKeysQuery>) => data.apiKeys,
    belongs: () => undefined,
  });

  constructor() {
    super();
    this.itemId = '';
    this._ended = false;
    this._sending = false;
    new EventController(this, [session, 'change']);
    new ClockController(this, () => 30_000);
    new SettledController(this, ['revokeApiKey'], () => this.#keys.refetch());
  }

  protected override render() {
    return html`
      <hive-page-header heading="API keys" back-href="/settings" back-label="Settings">
        <p class="small muted">
          For programs in ${session.viewer?.workspaceName || 'this workspace'}.
          ${session.viewer && !isAdmin() ? 'You see your own; admins see everybody’s.' : nothing}
        </p>
      </hive-page-header>
      ${session.isLocal ? html`<hive-local-card></hive-local-card>` : this.#renderPage()}
    `;
  }

  #renderPage() {
    const creating = session.may('key.create');
    return html`
      ${this._rotated ? this.#renderRotated(this._rotated) : nothing}
      ${
        creating.allowed ? html`<a class="button primary new" href="/settings/keys/new">New key</a>` : nothing
      }
      ${this.#renderKeys()}
      ${
        creating.allowed
          ? nothing
          : html`<hive-not-allowed
              class="section"
              heading="Making keys is for operators"
              .message=${creating.message ?? ''}
            ></hive-not-allowed>`
      }
      ${this.#renderDialogs()}
    `;
  }

  #renderKeys() {
    const { nodes, error, loading, hasMore, loadingMore } = this.#keys;
    const now = Date.now();
    const working = nodes.filter((key) => works(key, now));
    const ended = nodes.filter((key) => !works(key, now));
    return html`
      ${
        working.length > 0
          ? html`<ul class="rows section">
              ${
                // By key, so that what is open stays open when another one comes in above it.
                repeat(
                  working,
                  ({ id }) => id,
                  (key) => html`<li>${this.#renderKey(key)}</li>`,
                )
              }
            </ul>`
          : error
            ? html`<hive-problem .error=${error} @retry=${() => this.#keys.refetch()}></hive-problem>`
            : loading
              ? html`<hive-skeleton class="section" .lines=${3}></hive-skeleton>`
              : html`<hive-empty
                  heading="No key works at the moment"
                  text="A key lets a program do what you choose, for as long as you choose, over the same API as this app."
                ></hive-empty>`
      }
      ${
        error && nodes.length === 0
          ? nothing
          : html`<details class="fold section" ?open=${this._ended} @toggle=${this.#onToggle}>
              <summary><h2>Revoked and expired</h2></summary>
              ${
                ended.length > 0
                  ? html`<ul class="rows">
                      ${ended.map((key) => html`<li>${this.#renderEnded(key)}</li>`)}
                    </ul>`
                  : this._ended && !loading
                    ? html`<p class="small muted">None so far.</p>`
                    : nothing
              }
            </details>`
      }
      <hive-more .more=${hasMore} .loading=${loadingMore} @more=${() => this.#keys.loadMore()}></hive-more>
    `;
  }

  #renderKey(key: ApiKey) {
    const now = Date.now();
    const used = key.lastUsedAt ? `used ${formatAge(key.lastUsedAt, now)}` : 'never used';
    return html`
      <details class="key fold">
        <summary>
          <span class="text">
            <span class="heading">${key.name}</span>
            <span class="fine muted"><span class="mono">${key.start}…</span> · ${used}</span>
            ${key.replacedBy ? html`<span class="fine">Replaced; ends ${this.#until(key)}</span>` : nothing}
          </span>
        </summary>
        <dl class="facts">
          <dt>Role</dt>
          <dd>${ROLE_NAMES[key.role]}</dd>
          <dt>May do</dt>
          <dd>
            ${describeScopes(key.scopes)}
            ${
              key.scopes && key.scopes.length > 0 && !key.scopes.includes('*')
                ? html`<span class="fine muted mono scopes">${key.scopes.join(', ')}</span>`
                : nothing
            }
          </dd>
          <dt>Projects</dt>
          <dd>${key.projects ? key.projects.map(({ name }) => name).join(', ') : 'All its maker has'}</dd>
          <dt>Expires</dt>
          <dd>${this.#until(key)}</dd>
          <dt>Made</dt>
          <dd>${formatDay(key.createdAt)}${key.createdBy ? ` by ${key.createdBy.name}` : ''}</dd>
        </dl>
        <hive-pending .entity=${key.id}></hive-pending>
        ${
          this._problem?.id === key.id
            ? html`<p class="small problem" role="alert">${this._problem.message}</p>`
            : nothing
        }
        <div class="actions">
          ${
            key.replacedBy ? nothing : html`<button @click=${() => this.#ask(key, '#rotate')}>Rotate</button>`
          }
          <button class="danger" @click=${() => this.#ask(key, '#revoke')}>Revoke</button>
        </div>
      </details>
    `;
  }

  #renderEnded(key: ApiKey) {
    const how = key.revokedAt
      ? `Revoked ${formatMoment(key.revokedAt, Date.now())}`
      : `Expired ${key.expiresAt ? formatMoment(key.expiresAt, Date.now()) : ''}`;
    return html`
      <div class="ended">
        <p>${key.name}</p>
        <p class="fine muted"><span class="mono">${key.start}…</span> · ${how}</p>
      </div>
    `;
  }

  #renderDialogs() {
    const key = this._asked;
    return html`
      <hive-confirm
        id="revoke"
        .heading=${`Revoke “${key?.name ?? ''}”?`}
        text="Programs that use it are refused from this moment, and their open connections end within two seconds. A revoked key does not come back."
        action="Revoke"
        @confirmed=${this.#onRevoke}
      ></hive-confirm>
      <hive-confirm
        id="rotate"
        .heading=${`Rotate “${key?.name ?? ''}”?`}
        text="You get a new key with the same rights. Choose how long the old one goes on working, so that no program stops in between."
        action="Rotate"
        keep="Not now"
        mild
        @confirmed=${this.#onRotate}
      >
        <label for="overlap">The old key works for</label>
        <select id="overlap">
          ${OVERLAPS.map(({ hours, label }) => html`<option value=${hours} ?selected=${hours === 24}>${label}</option>`)}
        </select>
      </hive-confirm>
    `;
  }

  #renderRotated({ name, secret, oldUntil }: Rotated) {
    const old = oldUntil
      ? `The old one works until ${formatMoment(oldUntil, Date.now())}: give programs this one before then.`
      : 'The old one has ended.';
    return html`
      <hive-key-secret
        .heading=${`The new “${name}”`}
        .text=${`It is shown only now. ${old}`}
        .secret=${secret}
        @done=${() => (this._rotated = undefined)}
      ></hive-key-secret>
    `;
  }

  #until(key: ApiKey): string {
    if (!key.expiresAt) return 'never';
    return `${formatUntil(key.expiresAt, Date.now())}, ${formatMoment(key.expiresAt, Date.now())}`;
  }

  #ask(key: ApiKey, dialog: '#revoke' | '#rotate'): void {
    this._asked = key;
    this._problem = undefined;
    this.renderRoot.querySelector<HiveConfirm>(dialog)?.show();
  }

  readonly #onToggle = (event: Event): void => {
    // Asked for only by whoever looks; once here they may stay.
    if ((event.target as HTMLDetailsElement).open) this._ended = true;
  };

  readonly #onRevoke = (): void => {
    const key = this._asked;
    if (key) void act('revokeApiKey', { apiKeyId: key.id }, `Revoke the key “${key.name}”`);
  };

  readonly #onRotate = async (): Promise<void> => {
    const key = this._asked;
    if (!key || this._sending) return;
    const overlapHours = Number(this.renderRoot.querySelector<HTMLSelectElement>('#overlap')?.value ?? 24);
    this._sending = true;
    const outcome = await confirmAndSend(rotateApiKeyMutation, { apiKeyId: key.id, overlapHours });
    this._sending = false;
    if (!outcome.ok) {
      this._problem = { id: key.id, message: outcome.message };
      return;
    }
    this.#keys.refetch();
    const { secret } = outcome.value;
    if (secret === null) {
      this._problem = { id: key.id, message: SHOWN_BEFORE };
      return;
    }
    const oldUntil =
      overlapHours === 0 ? null : earlier(key.expiresAt, Date.now() + overlapHours * 3_600_000);
    this._rotated = { name: key.name, secret, oldUntil };
    scrollTo(0, 0);
  };

  static override styles = [
    base,
    buttons,
    fields,
    rows,
    css`
      .new {
        inline-size: 100%;
        min-block-size: var(--hive-12);
      }
      hive-key-secret {
        margin-block-end: var(--hive-5);
      }
      .key > summary {
        min-block-size: var(--hive-12);
        padding-block: var(--hive-2);
      }
      .text {
        display: grid;
        min-inline-size: 0;
        overflow-wrap: anywhere;
      }
      .heading {
        font-weight: 500;
        line-height: 1.35;
      }
      .scopes {
        display: block;
      }
      .key .actions {
        padding-block: var(--hive-4);
      }
      .key hive-pending,
      .problem {
        margin-block-start: var(--hive-3);
      }
      .problem {
        color: var(--hive-failed);
        font-weight: 600;
      }
      .ended {
        padding-block: var(--hive-2);
        overflow-wrap: anywhere;
      }
      .ended p:first-child {
        color: var(--hive-muted);
        text-decoration: line-through;
      }
    `,
  ];
}

function isAdmin(): boolean {
  const role = session.viewer?.role;
  return role === 'OWNER' || role === 'ADMIN';
}

function works(key: ApiKey, nowMs: number): boolean {
  return key.revokedAt === null && (key.expiresAt === null || Date.parse(key.expiresAt) > nowMs);
}

/** A key does not outlive its own end because it was rotated. */
function earlier(expiresAt: string | null, atMs: number): string {
  const ownMs = expiresAt === null ? Infinity : Date.parse(expiresAt);
  return new Date(Math.min(ownMs, atMs)).toISOString();
}

customElements.define('hive-keys-view', HiveKeysView);

declare global {
  interface HTMLElementTagNameMap {
    'hive-keys-view': HiveKeysView;
  }
}
