import { css, html, LitElement, nothing } from 'lit';
import { setSecretMutation } from '@hive/schema/operations/secrets.ts';
import { announce } from '../data/announce.ts';
import { confirmAndSend } from '../data/direct.ts';
import { base, buttons, fields } from '../styles/base.ts';

/** A value on its way into the hive, which nobody reads back. It is kept nowhere on this device. Fires `saved`. */
export class HiveSetSecret extends LitElement {
  static override properties = {
    name: {},
    label: {},
    replaces: { type: Boolean },
    _open: { state: true },
    _problem: { state: true },
    _sending: { state: true },
  };

  /** As the hive names it, for example `llm.openai.apiKey`. */
  declare name: string;
  declare label: string;
  /** There is one already. */
  declare replaces: boolean;
  declare _open: boolean;
  declare _problem: string;
  declare _sending: boolean;

  constructor() {
    super();
    this.name = '';
    this.label = '';
    this.replaces = false;
    this._open = false;
    this._problem = '';
    this._sending = false;
  }

  protected override render() {
    if (!this._open) {
      return html`<button aria-expanded="false" @click=${this.#onOpen}>
        ${this.replaces ? 'Replace the key' : 'Set key'}
      </button>`;
    }
    return html`
      <form novalidate @submit=${this.#onSubmit}>
        <label for="value">${this.label}</label>
        <input
          id="value"
          type="password"
          autocomplete="off"
          autocapitalize="off"
          spellcheck="false"
          aria-invalid=${this._problem ? 'true' : 'false'}
          aria-describedby="hint problem"
          @input=${() => (this._problem = '')}
        />
        <p id="hint" class="fine muted">
          Kept encrypted on the server. Nobody can read it back, you included.
        </p>
        <p id="problem" class="small problem" role="alert">${this._problem || nothing}</p>
        <div class="actions">
          <button class="primary">${this._sending ? 'Saving' : 'Save key'}</button>
          <button type="button" class="plain" @click=${this.#onClose}>Cancel</button>
        </div>
      </form>
    `;
  }

  get #input(): HTMLInputElement | null {
    return this.renderRoot.querySelector('input');
  }

  readonly #onOpen = async (): Promise<void> => {
    this._open = true;
    await this.updateComplete;
    this.#input?.focus();
  };

  readonly #onClose = async (): Promise<void> => {
    this._open = false;
    this._problem = '';
    await this.updateComplete;
    this.renderRoot.querySelector('button')?.focus();
  };

  readonly #onSubmit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const value = this.#input?.value.trim() ?? '';
    if (this._sending) return;
    if (value === '') {
      this._problem = 'Paste the key first.';
      this.#input?.focus();
      return;
    }
    this._sending = true;
    const outcome = await confirmAndSend(setSecretMutation, { name: this.name, value });
    this._sending = false;
    if (!outcome.ok) {
      this._problem = outcome.message;
      return;
    }
    this._open = false;
    announce(`${this.label}: saved.`);
    this.dispatchEvent(new CustomEvent('saved'));
  };

  static override styles = [
    base,
    buttons,
    fields,
    css`
      form {
        display: grid;
        gap: var(--hive-2);
      }
      .problem {
        color: var(--hive-failed);
        font-weight: 600;
      }
      .problem:empty {
        display: none;
      }
    `,
  ];
}

customElements.define('hive-set-secret', HiveSetSecret);

declare global {
  interface HTMLElementTagNameMap {
    'hive-set-secret': HiveSetSecret;
  }
}
