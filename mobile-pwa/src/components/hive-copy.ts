import { css, html, LitElement, svg } from 'lit';
import { announce } from '../data/announce.ts';
import { base, buttons } from '../styles/base.ts';

const SAID_MS = 2_500;

/** Puts a text into the clipboard and says so. Where the browser has no clipboard to give, it selects nothing and says that. */
export class HiveCopy extends LitElement {
  static override properties = {
    text: { attribute: false },
    label: {},
    primary: { type: Boolean },
    _said: { state: true },
  };

  /** What is copied; never shown here. */
  declare text: string;
  declare label: string;
  declare primary: boolean;
  declare _said: string;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    this.text = '';
    this.label = 'Copy';
    this.primary = false;
    this._said = '';
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.#timer);
  }

  protected override render() {
    return html`
      <button type="button" class=${this.primary ? 'primary' : ''} @click=${this.#onCopy}>
        <svg viewBox="0 0 24 24" aria-hidden="true">
          ${
            this._said === 'Copied'
              ? svg`<path d="M5.5 12.5 10 17 18.5 7.5"></path>`
              : svg`<path d="M9 8.5H18.5V20H9ZM15 8.5V4.5H5.5V16H9"></path>`
          }
        </svg>
        ${this._said || this.label}
      </button>
    `;
  }

  readonly #onCopy = async (): Promise<void> => {
    try {
      // Absent on a page that came by plain HTTP from another machine.
      await navigator.clipboard.writeText(this.text);
      this.#say('Copied');
    } catch {
      this.#say('Copying is not allowed here');
    }
  };

  #say(text: string): void {
    this._said = text;
    announce(`${text}.`);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this._said = ''), SAID_MS);
  }

  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: inline-block;
      }
      button {
        inline-size: 100%;
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

customElements.define('hive-copy', HiveCopy);

declare global {
  interface HTMLElementTagNameMap {
    'hive-copy': HiveCopy;
  }
}
