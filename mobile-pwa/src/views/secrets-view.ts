import { css, html, LitElement, nothing } from 'lit';
import type { ResultOf } from '@hive/schema/operations/graphql.ts';
import { rotateSecretsMutation, secretsQuery } from '@hive/schema/operations/secrets.ts';
import type { HiveConfirm } from '../components/hive-confirm.ts';
import { ClockController } from '../controllers/clock-controller.ts';
import { EventController } from '../controllers/event-controller.ts';
import { QueryController } from '../controllers/query-controller.ts';
import { SettledController } from '../controllers/settled-controller.ts';
import { act } from '../data/act.ts';
import { announce } from '../data/announce.ts';
import { confirmAndSend } from '../data/direct.ts';
import { formatAge, formatCount } from '../data/format.ts';
import { SECRETS } from '../data/secret-names.ts';
import { session } from '../data/session.ts';
import { base, buttons, rows } from '../styles/base.ts';
import '../components/hive-cell.ts';
import '../components/hive-confirm.ts';
import '../components/hive-not-allowed.ts';
import '../components/hive-page-header.ts';
import '../components/hive-pending.ts';
import '../components/hive-problem.ts';
import '../components/hive-set-secret.ts';
import '../components/hive-skeleton.ts';

type Secret = ResultOf<typeof secretsQuery>['secrets'][number];

/** What the hive keeps encrypted: names and dates, never values. */
export class HiveSecretsView extends LitElement {
  static override properties = {
    itemId: {},
    _asked: { state: true },
    _problem: { state: true },
    _said: { state: true },
  };

  declare itemId: string;
  /** The secret the dialog is about. */
  declare _asked: { name: string; label: string } | undefined;
  declare _problem: string;
  declare _said: string;

  readonly #secrets = new QueryController(this, {
    query: secretsQuery,
    variables: () => (session.may('secret.read').allowed ? {} : undefined),
  });

  constructor() {
    super();
    this.itemId = '';
    this._problem = '';
    this._said = '';
    new EventController(this, [session, 'change']);
    new ClockController(this, () => 30_000);
    new SettledController(this, ['deleteSecret'], () => this.#secrets.refetch());
  }

  protected override render() {
    const reading = session.may('secret.read');
    return html`
      <hive-page-header heading="Secrets" back-href="/settings" back-label="Settings">
        <p class="small muted">
          Encrypted on the server. Values go in and never come out: not here, not over the API, not in a log.
        </p>
      </hive-page-header>
      ${
        reading.allowed
          ? this.#renderSecrets()
          : html`<hive-not-allowed
              heading="Secrets are for admins"
              .message=${reading.message ?? ''}
            ></hive-not-allowed>`
      }
    `;
  }

  #renderSecrets() {
    const { data, error } = this.#secrets;
    if (!data) {
      return error
        ? html`<hive-problem .error=${error} @retry=${() => this.#secrets.refetch()}></hive-problem>`
        : html`<hive-skeleton .lines=${3}></hive-skeleton>`;
    }
    const others = data.secrets.filter(({ name }) => !SECRETS.some((known) => known.name === name));
    return html`
      <ul class="rows">
        ${SECRETS.map(({ name, label, setting }) => {
          const secret = data.secrets.find((each) => each.name === name);
          return html`<li>${this.#renderSecret(name, label, secret, setting)}</li>`;
        })}
        ${others.map((secret) => html`<li>${this.#renderSecret(secret.name, secret.name, secret)}</li>`)}
      </ul>
      ${this.#renderRotation(data.secrets.length)}
      <hive-confirm
        id="delete"
        .heading=${`Delete the ${this._asked?.label ?? ''}?`}
        text="The hive forgets it. What needs it stops working until another one is set here or in the server’s environment."
        action="Delete"
        @confirmed=${this.#onDelete}
      ></hive-confirm>
    `;
  }

  #renderSecret(name: string, label: string, secret: Secret | undefined, setting?: string) {
    const may = session.may('secret.write').allowed;
    const by = secret?.updatedBy ? ` by ${secret.updatedBy.name}` : '';
    return html`
      <div class="secret">
        <hive-cell look=${secret ? 'done' : 'offline'}></hive-cell>
        <div class="text">
          <h2 class="title">${label}</h2>
          <p class="fine muted">
            ${secret ? `Set ${formatAge(secret.updatedAt, Date.now())}${by}` : 'Not set here'}
          </p>
          ${
            setting
              ? html`<p class="fine muted">
                  <span class="mono">${setting}</span> in the server’s environment goes before it.
                </p>`
              : nothing
          }
          <hive-pending .entity=${`secret:${name}`}></hive-pending>
          ${
            may
              ? html`<div class="actions">
                  <hive-set-secret
                    .name=${name}
                    .label=${label}
                    ?replaces=${secret !== undefined}
                    @saved=${() => this.#secrets.refetch()}
                  ></hive-set-secret>
                  ${
                    secret
                      ? html`<button
                          class="danger"
                          @click=${() => {
                            this._asked = { name, label };
                            this.renderRoot.querySelector<HiveConfirm>('#delete')?.show();
                          }}
                        >
                          Delete
                        </button>`
                      : nothing
                  }
                </div>`
              : nothing
          }
        </div>
      </div>
    `;
  }

  #renderRotation(count: number) {
    const rotating = session.may('secret.rotate');
    if (count === 0) return nothing;
    return html`
      <section class="section">
        <h2>Encryption</h2>
        ${
          rotating.allowed
            ? html`
                <p class="small">
                  After a new key for encryption was put into place on the server, have every secret encrypted
                  with it; then the old one can go. It asks you to confirm who you are.
                </p>
                <button class="rotate" @click=${this.#onRotate}>Encrypt everything anew</button>
              `
            : html`<p class="small muted">Encrypting everything anew is for owners.</p>`
        }
        <p class="small problem" role="alert" ?hidden=${this._problem === ''}>${this._problem}</p>
        <p class="small muted" ?hidden=${this._said === ''}>${this._said}</p>
      </section>
    `;
  }

  readonly #onDelete = (): void => {
    if (this._asked) void act('deleteSecret', { name: this._asked.name }, `Delete the ${this._asked.label}`);
  };

  readonly #onRotate = async (): Promise<void> => {
    this._problem = '';
    this._said = '';
    const outcome = await confirmAndSend(rotateSecretsMutation, {});
    if (outcome.ok) {
      this._said = `${formatCount(outcome.value.reencryptedCount, 'secret')} encrypted anew.`;
      announce(this._said);
    } else this._problem = outcome.message;
  };

  static override styles = [
    base,
    buttons,
    rows,
    css`
      .secret {
        display: grid;
        grid-template-columns: max-content minmax(0, 1fr);
        gap: var(--hive-3);
        padding-block: var(--hive-3);
      }
      .text {
        display: grid;
        gap: var(--hive-1);
        min-inline-size: 0;
        overflow-wrap: anywhere;
      }
      .actions {
        align-items: start;
        margin-block-start: var(--hive-2);
      }
      hive-set-secret:has(+ button) {
        flex: none;
      }
      .rotate {
        margin-block: var(--hive-3);
      }
      .problem {
        color: var(--hive-failed);
        font-weight: 600;
      }
    `,
  ];
}

customElements.define('hive-secrets-view', HiveSecretsView);

declare global {
  interface HTMLElementTagNameMap {
    'hive-secrets-view': HiveSecretsView;
  }
}
