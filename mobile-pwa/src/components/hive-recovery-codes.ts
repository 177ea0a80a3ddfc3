import { css, html, LitElement } from 'lit';
import { base, buttons, fields } from '../styles/base.ts';
import './hive-copy.ts';

/**
 * Codes that are shown this once. They stay in this element: not in the cache, not in the address. `saved` fires when
 * the person says they have them; leaving before that asks first.
 */
export class HiveRecoveryCodes extends LitElement {
  static override properties = {
    codes: { attribute: false },
    /** What they are called, in the file too. */
    name: {},
    account: {},
    proceed: {},
    _saved: { state: true },
    _missed: { state: true },
  };

  declare codes: readonly string[];
  declare name: string;
  /** Whose they are: people have more than one file of codes. */
  declare account: string;
  /** What the button does. */
  declare proceed: string;
  declare _saved: boolean;
  declare _missed: boolean;

  constructor() {
    super();
    this.codes = [];
    this.name = 'Recovery codes';
    this.account = '';
    this.proceed = 'Continue';
    this._saved = false;
    this._missed = false;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener('beforeunload', this.#onUnload);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener('beforeunload', this.#onUnload);
  }

  protected override render() {
    return html`
      <ol aria-label=${this.name}>
        ${this.codes.map((code) => html`<li class="mono">${code}</li>`)}
      </ol>
      <div class="ways">
        <hive-copy .text=${this.#text} label="Copy"></hive-copy>
        <button type="button" @click=${this.#onDownload}>
          <svg viewBox="0 0 24 24" aria-hidden="true">
            <path d="M12 4V15.5M7 10.8 12 15.8 17 10.8M5.5 20H18.5"></path>
          </svg>
          Download
        </button>
      </div>
      <label class="choice">
        <input
          type="checkbox"
          .checked=${this._saved}
          aria-describedby="missed"
          aria-invalid=${this._missed ? 'true' : 'false'}
          @change=${this.#onSaved}
        />
        <span>I have saved these codes where I can find them without this device</span>
      </label>
      <p id="missed" class="small" role="alert" ?hidden=${!this._missed}>
        Save them first: they are not shown again.
      </p>
      <button class="primary wide" @click=${this.#onProceed}>${this.proceed}</button>
    `;
  }

  get #text(): string {
    return [
      `${this.name} · ${this.account} · ${location.host}`,
      'Each works once.',
      '',
      ...this.codes,
      '',
    ].join('\n');
  }

  readonly #onDownload = (): void => {
    const url = URL.createObjectURL(new Blob([this.#text], { type: 'text/plain' }));
    const link = document.createElement('a');
    link.href = url;
    link.download = `hive-${this.name.toLowerCase().replaceAll(' ', '-')}-${location.hostname}.txt`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  };

  readonly #onSaved = (event: Event): void => {
    this._saved = (event.target as HTMLInputElement).checked;
    this._missed = false;
  };

  readonly #onProceed = (): void => {
    if (!this._saved) {
      this._missed = true;
      this.renderRoot.querySelector('input')?.focus();
      return;
    }
    removeEventListener('beforeunload', this.#onUnload);
    this.dispatchEvent(new CustomEvent('saved'));
  };

  readonly #onUnload = (event: BeforeUnloadEvent): void => {
    if (!this._saved) event.preventDefault();
  };

  static override styles = [
    base,
    buttons,
    fields,
    css`
      :host {
        display: grid;
        gap: var(--hive-4);
      }
      ol {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(10.5rem, 1fr));
        gap: var(--hive-2) var(--hive-4);
        padding: var(--hive-4);
        border-radius: var(--hive-radius);
        background: var(--hive-surface);
        user-select: all;
      }
      li {
        font-size: var(--hive-text-15);
        overflow-wrap: anywhere;
      }
      .ways {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: var(--hive-3);
      }
      svg {
        flex: none;
        inline-size: var(--hive-5);
        block-size: var(--hive-5);
        fill: none;
        stroke: currentColor;
        stroke-width: 1.7;
        stroke-linecap: round;
        stroke-linejoin: round;
      }
    `,
  ];
}

customElements.define('hive-recovery-codes', HiveRecoveryCodes);

declare global {
  interface HTMLElementTagNameMap {
    'hive-recovery-codes': HiveRecoveryCodes;
  }
}
