import { css, html, LitElement } from 'lit';
import { base, buttons } from '../styles/base.ts';

/** Asks before something that cannot be taken back. `confirmed` fires on yes; Escape and the backdrop mean no. */
export class HiveConfirm extends LitElement {
  static override properties = { heading: {}, text: {}, action: {}, keep: {}, mild: { type: Boolean } };

  declare heading: string;
  declare text: string;
  /** The verb on the button, never "OK". */
  declare action: string;
  declare keep: string;
  /** Nothing is lost by it: the button is not a warning. */
  declare mild: boolean;

  constructor() {
    super();
    this.heading = '';
    this.text = '';
    this.action = '';
    this.keep = 'Keep';
    this.mild = false;
  }

  show(): void {
    this.#dialog?.showModal();
  }

  protected override render() {
    return html`
      <dialog aria-labelledby="heading" @click=${this.#onBackdrop}>
        <form method="dialog">
          <h2 class="title" id="heading">${this.heading}</h2>
          <p class="small muted">${this.text}</p>
          <slot></slot>
          <div>
            <button value="keep" autofocus>${this.keep}</button>
            <button class=${this.mild ? 'primary' : 'danger'} value="confirm" @click=${this.#onConfirm}>
              ${this.action}
            </button>
          </div>
        </form>
      </dialog>
    `;
  }

  get #dialog(): HTMLDialogElement | null {
    return this.renderRoot.querySelector('dialog');
  }

  readonly #onConfirm = (): void => void this.dispatchEvent(new CustomEvent('confirmed'));

  readonly #onBackdrop = (event: Event): void => {
    if (event.target === this.#dialog) this.#dialog?.close();
  };

  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: contents;
      }
      dialog {
        inline-size: min(100% - var(--hive-8), 26rem);
        max-inline-size: none;
        margin-block-end: calc(var(--hive-tab-bar) + var(--hive-4) + env(safe-area-inset-bottom));
        padding: 0;
        border: var(--hive-stroke) solid var(--hive-hairline);
        border-radius: var(--hive-4);
        background: var(--hive-background);
        color: var(--hive-ink);
      }
      dialog[open] {
        animation: rise var(--hive-medium) var(--hive-ease);
      }
      dialog::backdrop {
        background: var(--hive-scrim);
      }
      form {
        display: grid;
        gap: var(--hive-2);
        padding: var(--hive-5);
      }
      div {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: var(--hive-3);
        margin-block-start: var(--hive-4);
      }
      @keyframes rise {
        from {
          opacity: 0;
          transform: translateY(var(--hive-4));
        }
      }
      @media (min-width: 40rem) {
        dialog {
          margin-block-end: auto;
        }
      }
    `,
  ];
}

customElements.define('hive-confirm', HiveConfirm);

declare global {
  interface HTMLElementTagNameMap {
    'hive-confirm': HiveConfirm;
  }
}
