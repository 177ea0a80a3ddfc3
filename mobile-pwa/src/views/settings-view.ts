import { css, html, LitElement, nothing } from 'lit';
import { healthQuery, systemHealthSubscription } from '@hive/schema/operations/health.ts';
import { EventController } from '../controllers/event-controller.ts';
import { QueryController } from '../controllers/query-controller.ts';
import { formatDuration, formatMoment } from '../data/format.ts';
import { hive } from '../data/hive.ts';
import { statusLook } from '../data/status-look.ts';
import { readTheme, saveTheme, type Theme } from '../data/theme.ts';
import { base, buttons, rows } from '../styles/base.ts';
import '../components/hive-cell.ts';
import '../components/hive-filter.ts';
import '../components/hive-models.ts';
import '../components/hive-page-header.ts';
import '../components/hive-problem.ts';
import '../components/hive-projects.ts';
import '../components/hive-skeleton.ts';

const THEMES = [
  { value: 'system', label: 'As the system' },
  { value: 'light', label: 'Light' },
  { value: 'dark', label: 'Dark' },
];

/** Models, projects, connection, appearance. */
export class HiveSettingsView extends LitElement {
  static override properties = { itemId: {}, _theme: { state: true } };

  declare itemId: string;
  declare _theme: Theme;

  readonly #health = new QueryController(this, { query: healthQuery, variables: () => ({}) });
  #live: { unsubscribe: () => void } | undefined;
  #scrolled = false;

  constructor() {
    super();
    this.itemId = '';
    this._theme = readTheme();
    new EventController(this, [hive.connection, 'change']);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    // Only while someone looks: the cache takes each frame into the query above.
    this.#live = hive.client.subscription(systemHealthSubscription, {}).subscribe(() => undefined);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#live?.unsubscribe();
  }

  protected override updated(): void {
    if (this.#scrolled || !this.#health.data || location.hash.length < 2) return;
    this.#scrolled = true;
    requestAnimationFrame(() => this.renderRoot.querySelector(location.hash)?.scrollIntoView());
  }

  protected override render() {
    const { data, error } = this.#health;
    return html`
      <hive-page-header heading="Settings" back-href="/dispatch" back-label="Dispatch"></hive-page-header>
      <section>
        <h2>Appearance</h2>
        <hive-filter
          label="Appearance"
          .options=${THEMES}
          .value=${this._theme}
          @choose=${this.#onTheme}
        ></hive-filter>
      </section>
      <section class="section" id="models">
        <h2>Language models</h2>
        ${
          data
            ? html`<hive-models .health=${data.health}></hive-models>`
            : error
              ? html`<hive-problem .error=${error} @retry=${() => this.#health.refetch()}></hive-problem>`
              : html`<hive-skeleton class="models" .lines=${6}></hive-skeleton>`
        }
      </section>
      <section class="section" id="projects">
        <h2>Projects</h2>
        <hive-projects></hive-projects>
      </section>
      ${this.#renderServer()}
    `;
  }

  #renderServer() {
    const health = this.#health.data?.health;
    const { status, lastLiveAt } = hive.connection;
    const connection = { live: 'Connected', connecting: 'Connecting', offline: 'Not connected' }[status];
    return html`
      <section class="section">
        <h2>Connection</h2>
        <dl class="facts">
          <dt>Hive</dt>
          <dd class="mono">${location.host}</dd>
          <dt>State</dt>
          <dd>
            ${connection}${
              status !== 'live' && lastLiveAt !== null
                ? `, data as of ${formatMoment(lastLiveAt, Date.now())}`
                : ''
            }
          </dd>
          ${
            health
              ? html`
                  <dt>Version</dt>
                  <dd class="mono">${health.version}</dd>
                  <dt>Up for</dt>
                  <dd>${formatDuration(Date.parse(health.at) - Date.parse(health.startedAt))}</dd>
                  <dt>Tasks</dt>
                  <dd>${health.runningTaskCount} running, ${health.queuedTaskCount} queued</dd>
                `
              : nothing
          }
          <dt>Outbox</dt>
          <dd>
            <a href="/outbox">${hive.outbox.waitingCount} waiting, ${hive.outbox.refusedCount} refused</a>
          </dd>
        </dl>
        ${
          health && health.checks.length > 0
            ? html`<ul class="rows checks">
                ${health.checks.map((check) => {
                  const { look, label } = statusLook(check.status);
                  return html`<li>
                    <hive-cell .look=${look} .label=${label}></hive-cell>
                    <span
                      ><span class="small">${check.name}</span>
                      <span class="fine muted">${check.detail}</span></span
                    >
                  </li>`;
                })}
              </ul>`
            : nothing
        }
      </section>
    `;
  }

  readonly #onTheme = (event: CustomEvent<string>): void => {
    this._theme = event.detail as Theme;
    saveTheme(this._theme);
  };

  static override styles = [
    base,
    buttons,
    rows,
    css`
      /* About as tall as what comes: the rest of the page must not jump. */
      .models {
        min-block-size: 100dvh;
      }
      section[id] {
        scroll-margin-block-start: var(--hive-6);
      }
      .checks {
        margin-block-start: var(--hive-4);
      }
      .checks li {
        display: grid;
        grid-template-columns: max-content minmax(0, 1fr);
        gap: var(--hive-3);
        align-items: center;
        padding-block: var(--hive-3);
        overflow-wrap: anywhere;
      }
    `,
  ];
}

customElements.define('hive-settings-view', HiveSettingsView);

declare global {
  interface HTMLElementTagNameMap {
    'hive-settings-view': HiveSettingsView;
  }
}
