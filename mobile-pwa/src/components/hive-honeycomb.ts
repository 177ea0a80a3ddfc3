import { css, html, LitElement, svg, type PropertyValues } from 'lit';
import type { ResultOf } from '@hive/schema/operations/graphql.ts';
import type { agentFragment } from '@hive/schema/operations/agents.ts';
import { emptyCells, honeycombRows } from '../data/honeycomb.ts';
import { statusLook } from '../data/status-look.ts';
import { agentPath } from '../routes.ts';
import { base } from '../styles/base.ts';
import './hive-cell.ts';

export type FleetAgent = ResultOf<typeof agentFragment>;

/** Smaller than this and a name does not fit a cell any more. */
const MIN_CELL_PX = 104;
const MAX_PER_ROW = 6;

/** The fleet as a comb: one cell an agent, its edge is its state, its fill the share of its capacity in use. */
export class HiveHoneycomb extends LitElement {
  static override properties = { agents: { attribute: false }, _perRow: { state: true } };

  declare agents: readonly FleetAgent[];
  declare _perRow: number;
  #observer: ResizeObserver | undefined;

  constructor() {
    super();
    this.agents = [];
    this._perRow = 3;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#observer = new ResizeObserver(([entry]) => {
      if (!entry) return;
      this._perRow = Math.min(MAX_PER_ROW, Math.max(2, Math.floor(entry.contentRect.width / MIN_CELL_PX)));
    });
    this.#observer.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#observer?.disconnect();
  }

  protected override updated(changed: PropertyValues<this>): void {
    const before = changed.get('agents');
    if (!before || 'frozen' in document.documentElement.dataset) return;
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) return;
    const versions = new Map(before.map((agent) => [agent.id, agent.version]));
    for (const agent of this.agents) {
      const known = versions.get(agent.id);
      if (known !== undefined && known < agent.version) this.#pulse(agent.id);
    }
  }

  protected override render() {
    const empty = Array.from<undefined>({ length: emptyCells(this.agents.length, this._perRow) });
    const rows = honeycombRows([...this.agents, ...empty], this._perRow);
    return html`
      <div role="list" .style=${`--per-row: ${this._perRow}`}>
        ${rows.map(
          (row, index) => html`
            <div class=${index % 2 === 1 ? 'row shifted' : 'row'}>
              ${row.map((agent) =>
                agent
                  ? html`<div role="listitem">${this.#renderAgent(agent)}</div>`
                  : html`<div aria-hidden="true">
                      <svg class="empty" viewBox="0 0 70 80"><path d=${HEXAGON}></path></svg>
                    </div>`,
              )}
            </div>
          `,
        )}
      </div>
    `;
  }

  #renderAgent(agent: FleetAgent) {
    const { look, label } = statusLook(agent.status);
    const load = Math.min(1, agent.activeTaskCount / Math.max(1, agent.maxConcurrency));
    const top = 78 - 74 * load;
    return html`
      <a href=${agentPath(agent.id)} data-id=${agent.id} data-look=${look}>
        <svg viewBox="0 0 70 80" aria-hidden="true">
          <path class="wax" d=${HEXAGON}></path>
          ${
            load > 0
              ? svg`<svg x="0" y=${top} width="70" height=${80 - top} viewBox=${`0 ${top} 70 ${80 - top}`}><path class="honey" d=${HEXAGON}></path></svg>`
              : ''
          }
          <path class="edge" pathLength="60" d=${look === 'failed' ? SPLIT_HEXAGON : HEXAGON}></path>
          ${look === 'running' ? svg`<path class="runner" pathLength="60" d=${HEXAGON}></path>` : ''}
        </svg>
        <span class="text">
          <hive-cell .look=${look}></hive-cell>
          <b>${agent.name}</b>
          <span class="fine">${label}</span>
          <span class="load mono">${agent.activeTaskCount}/${agent.maxConcurrency}</span>
        </span>
      </a>
    `;
  }

  #pulse(id: string): void {
    const cell = this.renderRoot.querySelector(`[data-id="${CSS.escape(id)}"] svg`);
    cell?.animate([{ opacity: 1 }, { opacity: 0.55 }, { opacity: 1 }], { duration: 320, easing: 'ease-out' });
  }

  static override styles = [
    base,
    css`
      .row {
        display: flex;
      }
      .row > div {
        flex: none;
        inline-size: calc(100% / var(--per-row));
        padding: 0.125rem;
      }
      .shifted {
        padding-inline-start: calc(100% / var(--per-row) / 2);
      }
      .shifted > div {
        /* The padding is taken from the row's own width, so the share is of what is left. */
        inline-size: calc(100% / (var(--per-row) - 0.5));
      }
      /* A pointy-top comb overlaps by a quarter of a cell's height, which is 8/7 of its width. */
      .row + .row {
        margin-block-start: calc(100% / var(--per-row) * -0.27);
      }
      a {
        position: relative;
        display: grid;
        color: var(--hive-ink);
        text-decoration: none;
      }
      a > svg {
        inline-size: 100%;
        overflow: visible;
      }
      .empty {
        display: block;
        stroke: color-mix(in srgb, var(--hive-hairline) 55%, var(--hive-background));
        stroke-width: 1.2;
      }
      a > svg,
      .text {
        grid-area: 1 / 1;
      }
      a:focus-visible {
        outline: none;
      }
      a:focus-visible .edge {
        stroke: var(--hive-accent);
        stroke-width: 4;
        stroke-dasharray: none;
      }
      path {
        fill: none;
        stroke-linejoin: round;
        stroke-linecap: round;
      }
      .wax {
        fill: var(--hive-surface);
      }
      .honey {
        fill: color-mix(in srgb, var(--hive-accent) 20%, var(--hive-surface));
      }
      .edge {
        stroke: var(--cell, var(--hive-hairline));
        stroke-width: 1.6;
      }
      .runner {
        stroke: var(--hive-running);
        stroke-width: 2.4;
        stroke-dasharray: 16 44;
        animation: travel 2.4s linear infinite;
        animation-play-state: var(--hive-play);
      }
      [data-look='idle'] {
        --cell: var(--hive-line);
      }
      [data-look='running'] {
        --cell: color-mix(in srgb, var(--hive-running) 40%, var(--hive-background));
      }
      [data-look='failed'] {
        --cell: var(--hive-failed);
      }
      [data-look='paused'],
      [data-look='ended'] {
        --cell: var(--hive-muted);
      }
      [data-look='offline'] {
        --cell: var(--hive-offline);
      }
      [data-look='offline'] .edge {
        stroke-dasharray: 1 1.4;
      }
      [data-look='ended'] .text,
      [data-look='offline'] .text {
        color: var(--hive-muted);
      }
      .text {
        /* Above the drawing, which becomes a layer of its own while it pulses. */
        position: relative;
        display: grid;
        align-content: center;
        justify-items: center;
        min-inline-size: 0;
        padding-inline: var(--hive-1);
        text-align: center;
        --hive-cell-size: var(--hive-5);
        --hive-cell-fill: none;
      }
      b {
        max-inline-size: 94%;
        margin-block-start: var(--hive-1);
        overflow: hidden;
        font-size: var(--hive-text-13);
        font-weight: 650;
        line-height: 1.25;
        text-overflow: ellipsis;
      }
      .fine {
        font-size: var(--hive-text-12);
        line-height: 1.3;
      }
      .load {
        color: var(--hive-muted);
        font-size: var(--hive-text-12);
      }
      @keyframes travel {
        to {
          stroke-dashoffset: -60;
        }
      }
    `,
  ];
}

const HEXAGON = 'M35 2 68 21V59L35 78 2 59V21Z';
const SPLIT_HEXAGON = 'M38 3.8 68 21V59L38 76.2M32 76.2 2 59V21L32 3.8';

customElements.define('hive-honeycomb', HiveHoneycomb);

declare global {
  interface HTMLElementTagNameMap {
    'hive-honeycomb': HiveHoneycomb;
  }
}
