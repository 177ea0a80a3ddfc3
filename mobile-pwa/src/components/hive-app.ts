import { css, html, LitElement, nothing, type PropertyValues } from 'lit';
import { html as staticHtml, unsafeStatic } from 'lit/static-html.js';
import { EventController } from '../controllers/event-controller.ts';
import { announce, announcements } from '../data/announce.ts';
import type { ConnectionStatus } from '../data/connection.ts';
import { hive } from '../data/hive.ts';
import { session } from '../data/session.ts';
import { followLinks, navigate, navigation } from '../navigation.ts';
import { loadView, matchRoute, signInPath, type Route } from '../routes.ts';
import { base, buttons } from '../styles/base.ts';
import './hive-connection-bar.ts';
import './hive-tab-bar.ts';
import './hive-update-prompt.ts';
// Parts of nearly every page: they come with the shell instead of as ten more files.
import '../controllers/query-controller.ts';
import '../data/act.ts';
import '../data/status-look.ts';
import './hive-confirm.ts';
import './hive-empty.ts';
import './hive-extractive-notice.ts';
import './hive-page-header.ts';
import './hive-pending.ts';
import './hive-problem.ts';
import './hive-row.ts';
import './hive-skeleton.ts';

/** The shell: routes, tabs, the connection bar and the one live region. */
export class HiveApp extends LitElement {
  static override properties = {
    _route: { state: true },
    _shown: { state: true },
    _failed: { state: true },
    _announcement: { state: true },
  };

  declare _route: Route;
  /** The view on screen: the old one stays until the code of the new one is there. */
  declare _shown: Route | undefined;
  declare _failed: boolean;
  declare _announcement: string;
  #navigated = false;
  #announcedStatus: ConnectionStatus | undefined;

  constructor() {
    super();
    this._route = matchRoute(location.pathname);
    this._failed = false;
    this._announcement = '';
    new EventController(this, [hive.connection, 'change'], [hive.outbox, 'change']);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    followLinks(this);
    navigation.addEventListener('change', this.#onNavigation);
    announcements.addEventListener('announce', this.#onAnnounce);
    session.addEventListener('change', this.#onSession);
    void this.#load();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    navigation.removeEventListener('change', this.#onNavigation);
    announcements.removeEventListener('announce', this.#onAnnounce);
    session.removeEventListener('change', this.#onSession);
  }

  protected override updated(changed: PropertyValues): void {
    const { status } = hive.connection;
    const bare = this._shown?.bare === true;
    document.documentElement.toggleAttribute('data-frozen', status !== 'live' && !bare);
    if (!bare && status !== 'connecting' && status !== this.#announcedStatus) {
      // The first connection is what everyone expects; losing it and getting it back is news.
      if (this.#announcedStatus)
        announce(status === 'live' ? 'Connected again.' : 'No connection to the hive.');
      this.#announcedStatus = status;
    }
    if (!changed.has('_shown') || !this.#navigated) return;
    const { scrollY: savedY } = (history.state ?? { scrollY: 0 }) as { scrollY?: number };
    requestAnimationFrame(() => scrollTo(0, savedY ?? 0));
    // Moves a screen reader to the new page, as loading one would.
    this.renderRoot.querySelector('main')?.focus({ preventScroll: true });
  }

  protected override render() {
    return html`
      <nav aria-label="Shortcuts">
        <a class="skip button" href="#main" @click=${this.#onSkip}>Skip to content</a>
      </nav>
      <div class=${this._shown?.bare ? 'shell bare' : 'shell'}>
        <main id="main" tabindex="-1">${this._failed ? this.#renderFailure() : this.#renderView()}</main>
        ${this._shown?.bare ? nothing : html`<hive-tab-bar .current=${this._route.tab}></hive-tab-bar>`}
      </div>
      <aside class=${this._shown?.bare ? 'floating bare' : 'floating'} aria-label="Notices">
        <hive-update-prompt></hive-update-prompt>
        ${this._shown?.bare ? nothing : html`<hive-connection-bar></hive-connection-bar>`}
      </aside>
      <p class="hidden-text" role="status" aria-live="polite">${this._announcement}</p>
    `;
  }

  #renderView() {
    if (!this._shown) return nothing;
    const tag = unsafeStatic(this._shown.view);
    return staticHtml`<${tag} .itemId=${this._shown.id}></${tag}>`;
  }

  #renderFailure() {
    return html`
      <section class="failure">
        <h1>This page could not be loaded</h1>
        <p class="muted">
          ${
            hive.connection.status === 'offline'
              ? 'You are offline and this page has not been opened on this device before.'
              : 'The app was probably updated while it was open.'
          }
        </p>
        <button class="primary" @click=${() => location.reload()}>Load the app again</button>
      </section>
    `;
  }

  readonly #onNavigation = (): void => {
    this.#navigated = true;
    this._route = matchRoute(location.pathname);
    void this.#load();
  };

  readonly #onSession = (): void => {
    if (session.status === 'out' && !this._route.bare) {
      announce('Signed out on this device.');
      navigate(signInPath(location.pathname + location.search), { replace: true });
    } else if (session.status === 'in' && this._shown !== this._route) void this.#load();
  };

  readonly #onAnnounce = (event: Event): void => {
    const { detail } = event as CustomEvent<string>;
    // The same text twice is read twice only if the region's content changes.
    this._announcement = detail === this._announcement ? `${detail}\u00a0` : detail;
  };

  readonly #onSkip = (event: Event): void => {
    event.preventDefault();
    this.renderRoot.querySelector('main')?.focus();
  };

  async #load(): Promise<void> {
    const route = this._route;
    try {
      if (route.bare) await loadView[route.view]();
      else {
        void session.start();
        // Nothing of anybody's is shown before it is known who looks.
        await Promise.all([loadView[route.view](), hive.ready, session.whenIn()]);
      }
      this._failed = false;
    } catch {
      this._failed = true;
    }
    // The person may have gone elsewhere while the code was on its way.
    if (route === this._route) this._shown = route;
  }

  static override styles = [
    base,
    buttons,
    css`
      .shell {
        display: flex;
        flex-direction: column;
        min-block-size: 100dvh;
      }
      main {
        flex: 1;
        inline-size: 100%;
        max-inline-size: var(--hive-measure);
        margin-inline: auto;
        padding-inline: max(var(--hive-4), env(safe-area-inset-left))
          max(var(--hive-4), env(safe-area-inset-right));
        padding-block: env(safe-area-inset-top)
          calc(var(--hive-tab-bar) + var(--hive-12) + var(--hive-2) + env(safe-area-inset-bottom));
        outline: none;
      }
      .bare main {
        padding-block-end: calc(var(--hive-8) + env(safe-area-inset-bottom));
      }
      .floating.bare {
        inset-block-end: env(safe-area-inset-bottom);
      }
      .failure {
        display: grid;
        gap: var(--hive-4);
        justify-items: start;
        padding-block-start: var(--hive-12);
      }
      .floating {
        position: fixed;
        inset-inline: 0;
        inset-block-end: calc(var(--hive-tab-bar) + env(safe-area-inset-bottom));
        z-index: 2;
        display: grid;
        pointer-events: none;
      }
      .floating > * {
        pointer-events: auto;
      }
      .skip {
        position: fixed;
        inset-block-start: var(--hive-2);
        inset-inline-start: var(--hive-2);
        z-index: 3;
        background: var(--hive-background);
      }
      .skip:not(:focus) {
        opacity: 0;
        pointer-events: none;
      }
      @media (min-width: 60rem), (min-width: 40rem) and (max-height: 30rem) {
        .shell {
          padding-inline-start: 6rem;
        }
        .bare {
          padding-inline-start: 0;
        }
        main {
          padding-block-end: var(--hive-16);
        }
        .floating:not(.bare) {
          inset-inline-start: 6rem;
          inset-block-end: 0;
        }
      }
    `,
  ];
}

customElements.define('hive-app', HiveApp);

declare global {
  interface HTMLElementTagNameMap {
    'hive-app': HiveApp;
  }
}
