import { css, html, LitElement, nothing } from 'lit';
import type { ResultOf } from '@hive/schema/operations/graphql.ts';
import { healthQuery, systemHealthSubscription } from '@hive/schema/operations/health.ts';
import { EventController } from '../controllers/event-controller.ts';
import { QueryController } from '../controllers/query-controller.ts';
import { formatDuration, formatMoment } from '../data/format.ts';
import { hive } from '../data/hive.ts';
import { statusLook } from '../data/status-look.ts';
import { base, rows } from '../styles/base.ts';
import '../components/hive-cell.ts';
import '../components/hive-page-header.ts';
import '../components/hive-problem.ts';

type Check = ResultOf<typeof healthQuery>['health']['checks'][number];

/** The hive this phone talks to: where it is, how it is doing, and whether the phone keeps up with it. */
export class HiveAboutView extends LitElement {
  static override properties = { itemId: {} };

  declare itemId: string;

  readonly #health = new QueryController(this, { query: healthQuery, variables: () => ({}) });
  #live: { unsubscribe: () => void } | undefined;

  constructor() {
    super();
    this.itemId = '';
    new EventController(this, [hive.connection, 'change'], [hive.outbox, 'change']);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#live = hive.client.subscription(systemHealthSubscription, {}).subscribe(() => undefined);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#live?.unsubscribe();
  }

  protected override render() {
    const { data, error } = this.#health;
    const health = data?.health;
    const { status, lastLiveAt } = hive.connection;
    const connection = { live: 'Connected', connecting: 'Connecting', offline: 'Not connected' }[status];
    const age =
      status !== 'live' && lastLiveAt !== null ? `, data as of ${formatMoment(lastLiveAt, Date.now())}` : '';
    return html`
      <hive-page-header heading="About" back-href="/settings" back-label="Settings"></hive-page-header>
      <dl class="facts">
        <dt>Hive</dt>
        <dd class="mono">${location.host}</dd>
        <dt>State</dt>
        <dd>${connection}${age}</dd>
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
      ${error && !health ? html`<hive-problem .error=${error} @retry=${() => this.#health.refetch()}></hive-problem>` : nothing}
      ${
        health && health.checks.length > 0
          ? html`<section class="section">
              <h2>Health</h2>
              <ul class="rows">
                ${health.checks.map(renderCheck)}
              </ul>
            </section>`
          : nothing
      }
    `;
  }

  static override styles = [
    base,
    rows,
    css`
      li {
        display: grid;
        grid-template-columns: max-content minmax(0, 1fr);
        gap: var(--hive-3);
        align-items: center;
        padding-block: var(--hive-3);
        overflow-wrap: anywhere;
      }
      dd a {
        display: inline-block;
        padding-block: var(--hive-3);
        margin-block: calc(-1 * var(--hive-3));
      }
    `,
  ];
}

function renderCheck(check: Check) {
  const { look, label } = statusLook(check.status);
  return html`<li>
    <hive-cell .look=${look} .label=${label}></hive-cell>
    <span><span class="small">${check.name}</span> <span class="fine muted">${check.detail}</span></span>
  </li>`;
}

customElements.define('hive-about-view', HiveAboutView);

declare global {
  interface HTMLElementTagNameMap {
    'hive-about-view': HiveAboutView;
  }
}
