import { css, html, LitElement, nothing } from 'lit';
import { registerSW } from 'virtual:pwa-register';
import { base, buttons } from '../styles/base.ts';

/** How often an app that stays open asks for a newer version. */
const CHECK_EVERY_MS = 60 * 60 * 1_000;

/** Offers a new version; never takes the page away from someone in the middle of something. */
export class HiveUpdatePrompt extends LitElement {
  static override properties = { _ready: { state: true } };

  declare _ready: boolean;
  #update: ((reload?: boolean) => Promise<void>) | undefined;

  constructor() {
    super();
    this._ready = false;
  }

  protected override firstUpdated(): void {
    this.#update = registerSW({
      onNeedRefresh: () => {
        this._ready = true;
      },
      onRegisteredSW: (_url, registration) => {
        setInterval(() => void registration?.update().catch(() => undefined), CHECK_EVERY_MS);
      },
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

  readonly #onUpdate = (): void => void this.#update?.(true);

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
