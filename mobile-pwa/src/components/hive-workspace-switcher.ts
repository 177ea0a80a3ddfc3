import { css, html, LitElement, nothing } from 'lit';
import { EventController } from '../controllers/event-controller.ts';
import { initials } from '../data/initials.ts';
import { session } from '../data/session.ts';
import { base } from '../styles/base.ts';
import './hive-person.ts';

/**
 * Who is here and where. With one workspace a link to the settings; with several it also opens the list of them, whose
 * code is fetched by the first tap.
 */
export class HiveWorkspaceSwitcher extends LitElement {
  static override properties = { _ready: { state: true } };

  declare _ready: boolean;

  constructor() {
    super();
    this._ready = false;
    new EventController(this, [session, 'change']);
  }

  protected override render() {
    const { viewer } = session;
    if (!viewer?.person) {
      return html`<a class="way" href="/settings" aria-label="Settings">
        <svg viewBox="0 0 24 24" aria-hidden="true">
          <path d="M4 7h9M19 7h1M4 17h1M11 17h9"></path>
          <path
            d="M16 4.4 18.3 5.7V8.3L16 9.6 13.7 8.3V5.7ZM8 14.4 10.3 15.7V18.3L8 19.6 5.7 18.3V15.7Z"
          ></path>
        </svg>
      </a>`;
    }
    const { name } = viewer.person;
    // What is seen is part of what it is called, for those who speak to their phone.
    const seen = initials(name);
    if (viewer.workspaces.length < 2) {
      return html`<a class="way" href="/settings" aria-label=${`${seen}: settings of ${name}`}>
        <hive-person .name=${name}></hive-person>
      </a>`;
    }
    return html`
      <button
        class="way"
        popovertarget="menu"
        aria-haspopup="dialog"
        aria-label=${`${seen}: ${name} in ${viewer.workspaceName}, workspaces and settings`}
        @click=${this.#onOpen}
      >
        <hive-person .name=${name}></hive-person>
      </button>
      <div id="menu" popover role="dialog" aria-label="Workspaces and settings">
        <h2>Workspaces</h2>
        ${this._ready ? html`<hive-workspace-list></hive-workspace-list>` : nothing}
        <a class="settings" href="/settings" @click=${this.#onClose}>Settings</a>
      </div>
    `;
  }

  readonly #onOpen = async (): Promise<void> => {
    await import('./hive-workspace-list.ts');
    this._ready = true;
  };

  readonly #onClose = (): void => this.renderRoot.querySelector<HTMLElement>('#menu')?.hidePopover();

  static override styles = [
    base,
    css`
      :host {
        display: inline-block;
        margin-inline-end: calc(-1 * var(--hive-2));
      }
      .way {
        display: inline-flex;
        align-items: center;
        justify-content: center;
        min-block-size: var(--hive-target);
        min-inline-size: var(--hive-target);
        padding: 0;
        border: 0;
        background: transparent;
        color: var(--hive-muted);
        cursor: pointer;
      }
      svg {
        inline-size: var(--hive-6);
        block-size: var(--hive-6);
        fill: none;
        stroke: currentColor;
        stroke-width: 1.7;
        stroke-linecap: round;
        stroke-linejoin: round;
      }
      #menu {
        inset: calc(3.5rem + env(safe-area-inset-top)) max(var(--hive-4), 50% - var(--hive-measure) / 2) auto
          auto;
        inline-size: min(100% - var(--hive-8), 20rem);
        max-block-size: calc(100dvh - 8rem);
        margin: 0;
        padding: var(--hive-4);
        border: var(--hive-stroke) solid var(--hive-hairline);
        border-radius: var(--hive-4);
        background: var(--hive-background);
        color: var(--hive-ink);
        overflow-y: auto;
      }
      #menu::backdrop {
        background: var(--hive-scrim);
      }
      .settings {
        display: flex;
        align-items: center;
        min-block-size: var(--hive-12);
        border-block-start: var(--hive-stroke) solid var(--hive-hairline);
        font-weight: 550;
        text-decoration: none;
      }
    `,
  ];
}

customElements.define('hive-workspace-switcher', HiveWorkspaceSwitcher);

declare global {
  interface HTMLElementTagNameMap {
    'hive-workspace-switcher': HiveWorkspaceSwitcher;
  }
}
