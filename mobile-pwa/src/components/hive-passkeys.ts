import { css, html, LitElement, nothing } from 'lit';
import { AttemptController } from '../controllers/attempt-controller.ts';
import { removePasskey, renamePasskey, type Passkey } from '../data/auth-api.ts';
import { announce } from '../data/announce.ts';
import { formatDay } from '../data/format.ts';
import { withStepUp } from '../data/step-up.ts';
import { describeUserAgent } from '../data/user-agent.ts';
import { addPasskey, passkeyObstacle } from '../data/webauthn.ts';
import { base, buttons, fields, rows } from '../styles/base.ts';
import type { HiveConfirm } from './hive-confirm.ts';
import './hive-auth-problem.ts';
import './hive-cell.ts';
import './hive-confirm.ts';

/** The passkeys of the account. Fires `changed` when there is one more or less, or one has another name. */
export class HivePasskeys extends LitElement {
  static override properties = {
    passkeys: { attribute: false },
    otherWays: { attribute: false },
    _renaming: { state: true },
    _removing: { state: true },
  };

  declare passkeys: readonly Passkey[];
  /** How many ways to sign in there are besides. */
  declare otherWays: number;
  declare _renaming: string | undefined;
  declare _removing: Passkey | undefined;
  readonly #attempt = new AttemptController(this);

  constructor() {
    super();
    this.passkeys = [];
    this.otherWays = 0;
  }

  protected override render() {
    const obstacle = passkeyObstacle();
    return html`
      ${
        this.passkeys.length > 0
          ? html`<ul class="rows">
              ${this.passkeys.map((passkey) => html`<li>${this.#renderPasskey(passkey)}</li>`)}
            </ul>`
          : html`<p class="small muted">
              None yet. With a passkey you sign in by finger, face or the device’s PIN, and nothing can be
              guessed or phished.
            </p>`
      }
      <hive-auth-problem
        .problem=${this.#attempt.problem}
        .waitSeconds=${this.#attempt.waitSeconds}
      ></hive-auth-problem>
      ${
        obstacle
          ? html`<p class="small muted">${OBSTACLES[obstacle]}</p>`
          : html`<button ?disabled=${this.#attempt.blocked} @click=${this.#onAdd}>
              ${this.#attempt.busy === 'add' ? 'Waiting for your device' : 'Add a passkey'}
            </button>`
      }
      <hive-confirm
        heading=${`Remove ${this._removing?.name ?? 'this passkey'}?`}
        text="You can no longer sign in with it. The device that holds it may go on offering it; delete it there too."
        action="Remove"
        @confirmed=${this.#onRemove}
      ></hive-confirm>
    `;
  }

  #renderPasskey(passkey: Passkey) {
    if (this._renaming === passkey.id) return this.#renderRename(passkey);
    const isLast = this.passkeys.length === 1 && this.otherWays === 0;
    return html`
      <div class="passkey">
        <div class="text">
          <h3>${passkey.name}</h3>
          <p class="fine muted">
            ${passkey.createdAt ? `Added ${formatDay(passkey.createdAt)}` : 'Added'} ·
            ${passkey.synced ? 'synced to your other devices' : 'on one device'}
          </p>
          ${
            isLast
              ? html`<p class="fine muted">Your only way to sign in: add another before you remove it.</p>`
              : nothing
          }
        </div>
        <div class="actions">
          <button class="plain" @click=${() => (this._renaming = passkey.id)}>
            Rename<span class="hidden-text"> ${passkey.name}</span>
          </button>
          ${
            isLast
              ? nothing
              : html`<button class="plain" @click=${() => this.#askToRemove(passkey)}>
                  Remove<span class="hidden-text"> ${passkey.name}</span>
                </button>`
          }
        </div>
      </div>
    `;
  }

  #renderRename(passkey: Passkey) {
    return html`
      <form class="rename" @submit=${(event: Event) => void this.#rename(event, passkey)}>
        <label for="name">Name of the passkey</label>
        <input id="name" type="text" maxlength="60" required autocomplete="off" .value=${passkey.name} />
        <div class="actions">
          <button class="primary" ?disabled=${this.#attempt.blocked}>Rename</button>
          <button type="button" class="plain" @click=${() => (this._renaming = undefined)}>Leave it</button>
        </div>
      </form>
    `;
  }

  readonly #onAdd = async (): Promise<void> => {
    const name = describeUserAgent(navigator.userAgent);
    const worked = await this.#attempt.run('add', () => withStepUp(() => addPasskey(name)));
    if (worked) this.#changed('Passkey added.');
  };

  async #rename(event: Event, passkey: Passkey): Promise<void> {
    event.preventDefault();
    const name = this.renderRoot.querySelector<HTMLInputElement>('#name')?.value.trim() ?? '';
    if (name === '') return;
    const worked = await this.#attempt.run('rename', () => withStepUp(() => renamePasskey(passkey.id, name)));
    if (!worked) return;
    this._renaming = undefined;
    this.#changed('Passkey renamed.');
  }

  #askToRemove(passkey: Passkey): void {
    this._removing = passkey;
    void this.updateComplete.then(() => this.renderRoot.querySelector<HiveConfirm>('hive-confirm')?.show());
  }

  readonly #onRemove = async (): Promise<void> => {
    const passkey = this._removing;
    if (!passkey) return;
    const worked = await this.#attempt.run('remove', () => withStepUp(() => removePasskey(passkey.id)));
    if (worked) this.#changed('Passkey removed.');
  };

  #changed(text: string): void {
    announce(text);
    this.dispatchEvent(new CustomEvent('changed'));
  }

  static override styles = [
    base,
    buttons,
    fields,
    rows,
    css`
      :host {
        display: grid;
        gap: var(--hive-3);
        justify-items: start;
      }
      .rows {
        inline-size: 100%;
      }
      .passkey {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        justify-content: space-between;
        gap: 0 var(--hive-4);
        padding-block: var(--hive-2);
      }
      .text {
        min-inline-size: 0;
        overflow-wrap: anywhere;
      }
      .passkey .actions {
        gap: 0 var(--hive-4);
      }
      .passkey .plain {
        padding-inline: 0;
      }
      .rename {
        display: grid;
        gap: var(--hive-2);
        padding-block: var(--hive-3);
      }
    `,
  ];
}

const OBSTACLES = {
  INSECURE:
    'This page came over plain HTTP, where browsers make no passkeys. Open the hive by https to add one.',
  ADDRESS:
    'Passkeys belong to a name, and this page was opened by an IP address. Open the hive by its name to add one.',
  BROWSER: 'This browser knows no passkeys.',
};

customElements.define('hive-passkeys', HivePasskeys);

declare global {
  interface HTMLElementTagNameMap {
    'hive-passkeys': HivePasskeys;
  }
}
