import { css, html, LitElement } from 'lit';
import { erasePersonMutation } from '@hive/schema/operations/members.ts';
import { EventController } from '../controllers/event-controller.ts';
import { announce } from '../data/announce.ts';
import { confirmAndSend } from '../data/direct.ts';
import { download } from '../data/download.ts';
import { session } from '../data/session.ts';
import { navigate } from '../navigation.ts';
import { base, buttons } from '../styles/base.ts';
import type { HiveTypedConfirm } from './hive-typed-confirm.ts';
import './hive-not-allowed.ts';
import './hive-typed-confirm.ts';

/** What the hive knows of a person: as a file, or erased. */
export class HivePersonData extends LitElement {
  static override properties = {
    person: { attribute: false },
    own: { type: Boolean },
    _problem: { state: true },
    _said: { state: true },
    _busy: { state: true },
  };

  declare person: { id: string; name: string } | undefined;
  /** It is about whoever looks. */
  declare own: boolean;
  declare _problem: string;
  declare _said: string;
  declare _busy: boolean;

  constructor() {
    super();
    this.own = false;
    this._problem = '';
    this._said = '';
    this._busy = false;
    new EventController(this, [session, 'change']);
  }

  protected override render() {
    const name = this.person?.name ?? '';
    const whose = this.own ? 'your' : `${name}’s`;
    return html`
      <div class="part">
        <h2>As a file</h2>
        <p class="small">
          ${
            this.own
              ? 'Everything the hive keeps about you, as one JSON file: account, devices, memberships, keys and what you did. Passwords and keys themselves are not in it.'
              : `Everything the hive keeps about ${name}, as one JSON file. Passwords and keys themselves are not in it.`
          }
        </p>
        <button @click=${this.#onExport}>${this._busy ? 'Collecting' : `Export ${whose} data`}</button>
      </div>
      <p class="small problem" role="alert" ?hidden=${this._problem === ''}>${this._problem}</p>
      <p class="small muted" ?hidden=${this._said === ''}>${this._said}</p>
      <div class="part">
        <h2>Erase</h2>
        <p class="small">
          Erasing removes ${whose} account, devices, passkeys, memberships and keys, for good and in every
          workspace. Goals, tasks and the audit trail stay; they name a pseudonym instead.
        </p>
        <button class="danger" @click=${() => this.#dialog?.show()}>
          ${this.own ? 'Erase my account' : `Erase ${name}`}
        </button>
      </div>
      <p class="fine muted">
        Both ask you to confirm with a passkey or a one-time code, which counts for five minutes.
      </p>
      <hive-typed-confirm
        .heading=${this.own ? 'Erase your account?' : `Erase ${name}?`}
        .phrase=${name}
        action="Erase for good"
        @confirmed=${this.#onErase}
      >
        <p class="small muted">
          ${
            this.own
              ? 'You are signed out everywhere at once and cannot come back to this account.'
              : `${name} is signed out everywhere at once and cannot come back to this account.`
          }
          What was done stays on record under a pseudonym. Nobody can undo this.
        </p>
      </hive-typed-confirm>
    `;
  }

  get #dialog(): HiveTypedConfirm | null {
    return this.renderRoot.querySelector('hive-typed-confirm');
  }

  readonly #onExport = async (): Promise<void> => {
    if (!this.person || this._busy) return;
    this._problem = '';
    this._said = '';
    this._busy = true;
    const path = `/api/people/export?personId=${encodeURIComponent(this.person.id)}`;
    const outcome = await download(path, 'hive-personal-data.json');
    this._busy = false;
    if (outcome.ok) {
      this._said = `Saved as ${outcome.value}.`;
      announce(this._said);
    } else this._problem = outcome.message;
  };

  readonly #onErase = async (): Promise<void> => {
    if (!this.person) return;
    this._problem = '';
    const outcome = await confirmAndSend(erasePersonMutation, { personId: this.person.id });
    if (!outcome.ok) {
      this._problem = outcome.message;
      return;
    }
    announce(`${this.person.name} was erased.`);
    // One's own session has ended with the account: nothing of it may stay on this device.
    if (this.own) await session.leave({ discardUnsent: true });
    else navigate('/settings/members', { replace: true });
  };

  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: grid;
        gap: var(--hive-6);
      }
      .part {
        display: grid;
        gap: var(--hive-3);
        justify-items: start;
      }
      .problem {
        color: var(--hive-failed);
        font-weight: 600;
      }
    `,
  ];
}

customElements.define('hive-person-data', HivePersonData);

declare global {
  interface HTMLElementTagNameMap {
    'hive-person-data': HivePersonData;
  }
}
