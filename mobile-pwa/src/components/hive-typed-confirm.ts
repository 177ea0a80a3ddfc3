import { css, html, LitElement, nothing } from 'lit';
import { base, buttons, fields } from '../styles/base.ts';

/** Asks for the name of what is about to be gone for good. `confirmed` fires when it was typed; Escape means no. */
export class HiveTypedConfirm extends LitElement {
  static override properties = {
    heading: {},
    phrase: {},
    action: {},
    _problem: { state: true },
  };

  declare heading: string;
  /** What has to be typed. */
  declare phrase: string;
  /** The verb on the button, never "OK". */
  declare action: string;
  declare _problem: string;

  constructor() {
    super();
    this.heading = '';
    this.phrase = '';
    this.action = '';
    this._problem = '';
  }

  show(): void {
    this._problem = '';
    const { input } = this;
    if (input) input.value = '';
    this.#dialog?.showModal();
    input?.focus();
  }

  get input(): HTMLInputElement | null {
    return this.renderRoot.querySelector('input');
  }

  protected override render() {
    return html`
      <dialog aria-labelledby="heading" @click=${this.#onBackdrop}>
        <form novalidate @submit=${this.#onSubmit}>
          <h2 class="title" id="heading">${this.heading}</h2>
          <slot></slot>
          <label for="typed">Type <b>${this.phrase}</b> to confirm</label>
          <input
            id="typed"
            type="text"
            autocomplete="off"
            autocapitalize="off"
            spellcheck="false"
            aria-invalid=${this._problem ? 'true' : 'false'}
            aria-describedby="problem"
            @input=${() => (this._problem = '')}
          />
          <p id="problem" class="small problem" role="alert">${this._problem || nothing}</p>
          <div>
            <button type="button" @click=${() => this.#dialog?.close()}>Keep</button>
            <button class="danger">${this.action}</button>
          </div>
        </form>
      </dialog>
    `;
  }

  get #dialog(): HTMLDialogElement | null {
    return this.renderRoot.querySelector('dialog');
  }

  readonly #onSubmit = (event: Event): void => {
    event.preventDefault();
    const { input } = this;
    if (input?.value.trim().toLowerCase() !== this.phrase.trim().toLowerCase()) {
      this._problem = `That is not “${this.phrase}”. Nothing has happened yet.`;
      input?.focus();
      return;
    }
    this.#dialog?.close();
    this.dispatchEvent(new CustomEvent('confirmed'));
  };

  readonly #onBackdrop = (event: Event): void => {
    if (event.target === this.#dialog) this.#dialog?.close();
  };

  static override styles = [
    base,
    buttons,
    fields,
    css`
      :host {
        display: contents;
      }
      dialog {
        inline-size: min(100% - var(--hive-8), 26rem);
        max-inline-size: none;
        padding: 0;
        border: var(--hive-stroke) solid var(--hive-hairline);
        border-radius: var(--hive-4);
        background: var(--hive-background);
        color: var(--hive-ink);
      }
      dialog::backdrop {
        background: var(--hive-scrim);
      }
      form {
        display: grid;
        gap: var(--hive-3);
        padding: var(--hive-5);
      }
      label b {
        color: var(--hive-ink);
        user-select: all;
      }
      .problem {
        color: var(--hive-failed);
        font-weight: 600;
      }
      .problem:empty {
        display: none;
      }
      div {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: var(--hive-3);
        margin-block-start: var(--hive-2);
      }
    `,
  ];
}

customElements.define('hive-typed-confirm', HiveTypedConfirm);

declare global {
  interface HTMLElementTagNameMap {
    'hive-typed-confirm': HiveTypedConfirm;
  }
}
