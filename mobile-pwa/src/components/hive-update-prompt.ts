import { css, html, LitElement, nothing } from 'lit';
import { watchForUpdate } from '../data/app-update.ts';
import { base, buttons } from '../styles/base.ts';

/** Offers a new version; never takes the page away from someone in the middle of something. */
export class HiveUpdatePrompt extends LitElement {
  static override properties = { _ready: { state: true } };

  declare _ready: boolean;
  #update: (() => void) | undefined;

  constructor() {
    super();
    this._ready = false;
  }

  protected override firstUpdated(): void {
    watchForUpdate((update) => {
      this.#update = update;
      this._ready = true;
    });
  }

  protected override render() {
    if (!this._ready) return nothing;
    return html`
      <div class="prompt">
        <p class="small">A new version of the app is ready.</p>
        <button class="plain" @click=${this.#onLater}>Later</button>
        <button class="primary" @click=${this.#onUpdate}>Update</button>
      </div>
    `;
  }

  readonly #onLater = (): void => {
    this._ready = false;
  };

  readonly #onUpdate = (): void => this.#update?.();

  static override styles = [
    base,
    buttons,
    css`
      .prompt {
        display: flex;
        align-items: center;
        gap: var(--hive-2);
        padding: var(--hive-2) var(--hive-4);
        border-block-start: var(--hive-stroke) solid var(--hive-hairline);
        background: var(--hive-surface);
      }
      p {
        flex: 1;
      }
    `,
  ];
}

customElements.define('hive-update-prompt', HiveUpdatePrompt);

declare global {
  interface HTMLElementTagNameMap {
    'hive-update-prompt': HiveUpdatePrompt;
  }
}
