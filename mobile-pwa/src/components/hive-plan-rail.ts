import { css, html, LitElement, svg, type PropertyValues } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { ResultOf } from '@hive/schema/operations/graphql.ts';
import type { planFragment } from '@hive/schema/operations/goals.ts';
import { ClockController } from '../controllers/clock-controller.ts';
import { elapsedMs, formatDuration } from '../data/format.ts';
import { knownNow } from '../data/known-now.ts';
import { layOutPlan, type PlacedNode } from '../data/plan-layout.ts';
import { statusLook } from '../data/status-look.ts';
import { taskPath } from '../routes.ts';
import { base } from '../styles/base.ts';
import './hive-cell.ts';

type PlanNode = ResultOf<typeof planFragment>['nodes'][number];

/** In units of 1/16 rem, which the drawing and the rows share. */
const ROW = 70;
const COLUMN = 20;
const CELL = 24;
const GROW_STAGGER_MS = 120;

/** A plan as a rail of comb cells: what waits for what, where it stands, who does it. Rows lead to their tasks. */
export class HivePlanRail extends LitElement {
  static override properties = {
    nodes: { attribute: false },
    fresh: { type: Boolean },
    _growing: { state: true },
  };

  declare nodes: readonly PlanNode[];
  /** Of a goal dispatched a moment ago: its plan grows even if it was there first. */
  declare fresh: boolean;
  /** The plan came while someone was looking: let it grow node by node. */
  declare _growing: boolean;

  constructor() {
    super();
    this.nodes = [];
    this.fresh = false;
    this._growing = false;
    const runs = () => this.nodes.some((node) => node.task?.status === 'RUNNING');
    new ClockController(this, () => (runs() ? 1_000 : 30_000));
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has('nodes') || this.nodes.length === 0) return;
    const before = changed.get('nodes');
    if (this.hasUpdated ? before?.length === 0 : this.fresh) this._growing = true;
  }

  protected override render() {
    const { nodes, edges, columns } = layOutPlan(this.nodes);
    const width = CELL + (columns - 1) * COLUMN;
    const height = nodes.length * ROW;
    return html`
      <div class="rail" .style=${`--rail: ${width / 16}rem`}>
        <svg
          viewBox=${`0 0 ${width} ${height}`}
          width=${`${width / 16}rem`}
          height=${`${height / 16}rem`}
          aria-hidden="true"
        >
          ${edges.map(({ from, to }) => {
            const open = to.item.task?.status === 'BLOCKED' || !to.item.task;
            const kind = `${open ? 'open' : ''} ${this._growing ? 'drawn' : ''}`;
            return svg`<path class=${kind} .style=${delayOf(to)} d=${edgePath(from, to)}></path>`;
          })}
        </svg>
        <ol>
          ${repeat(
            nodes,
            (node) => node.item.id,
            (node) => this.#renderNode(node),
          )}
        </ol>
      </div>
    `;
  }

  #renderNode({ item, row, column }: PlacedNode<PlanNode>) {
    const { look, label } = item.task
      ? statusLook(item.task.status)
      : { look: 'idle' as const, label: 'Planned' };
    const content = html`
      <hive-cell .look=${look} .style=${`--column: ${(column * COLUMN) / 16}rem`}></hive-cell>
      <span class="text">
        <span class="title">${item.title}</span>
        <span class="fine muted facts">${[label, ...factsOf(item)].join(' · ')}</span>
      </span>
    `;
    return html`
      <li class=${this._growing ? 'growing' : ''} .style=${delayOf({ row })}>
        ${item.task ? html`<a class="row" href=${taskPath(item.task.id)}>${content}</a>` : html`<div class="row">${content}</div>`}
      </li>
    `;
  }

  static override styles = [
    base,
    css`
      .rail {
        position: relative;
      }
      svg {
        position: absolute;
        inset-block-start: 0;
        inset-inline-start: 0;
        overflow: visible;
      }
      path {
        fill: none;
        stroke: var(--hive-line);
        stroke-width: 1.5;
      }
      path.open {
        stroke-dasharray: 2 4;
      }
      .row {
        position: relative;
        display: grid;
        grid-template-columns: var(--rail) minmax(0, 1fr);
        gap: var(--hive-3);
        align-items: center;
        block-size: 4.375rem;
        color: inherit;
        text-decoration: none;
      }
      hive-cell {
        margin-inline-start: var(--column);
      }
      .text {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 0.125rem;
        min-inline-size: 0;
      }
      .title {
        display: -webkit-box;
        overflow: hidden;
        font-weight: 500;
        font-size: var(--hive-text-15);
        line-height: 1.3;
        overflow-wrap: anywhere;
        -webkit-box-orient: vertical;
        -webkit-line-clamp: 2;
      }
      .facts {
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      @media (hover: hover) {
        a.row:hover .title {
          color: var(--hive-accent);
        }
      }
      .growing {
        animation: arrive var(--hive-slow) var(--hive-ease) var(--delay) backwards;
      }
      .drawn {
        animation: appear var(--hive-medium) var(--hive-ease) var(--delay) backwards;
      }
      @keyframes appear {
        from {
          opacity: 0;
        }
      }
      @keyframes arrive {
        from {
          opacity: 0;
          transform: translateY(calc(-1 * var(--hive-3)));
        }
      }
    `,
  ];
}

/** A line comes with the node it leads to. */
function delayOf({ row }: { row: number }): string {
  return `--delay: ${row * GROW_STAGGER_MS}ms`;
}

function edgePath(from: PlacedNode<PlanNode>, to: PlacedNode<PlanNode>): string {
  const x1 = CELL / 2 + from.column * COLUMN;
  const x2 = CELL / 2 + to.column * COLUMN;
  const y1 = from.row * ROW + ROW / 2 + CELL / 2 - 1;
  const y2 = to.row * ROW + ROW / 2 - CELL / 2 + 1;
  if (x1 === x2) return `M${x1} ${y1}V${y2}`;
  // Down in the earlier node's column, then across in the last half row, clear of the cells between.
  const bend = y2 - ROW / 2 + CELL / 2;
  return `M${x1} ${y1}V${Math.max(y1, bend)}C${x1} ${y2 - 6} ${x2} ${Math.max(y1, bend)} ${x2} ${y2}`;
}

function factsOf({ task, capabilities }: PlanNode): string[] {
  if (!task) return capabilities.length > 0 ? [capabilities.join(', ')] : [];
  const elapsed = elapsedMs(task.startedAt, task.finishedAt, knownNow());
  const facts: string[] = [];
  if (task.agent) facts.push(task.agent.name);
  if (elapsed !== null && task.status !== 'QUEUED') facts.push(formatDuration(elapsed));
  if (task.status === 'QUEUED' && task.queuedReason) facts.push(task.queuedReason);
  if (task.status === 'FAILED' && task.failure) facts.push(task.failure.message);
  return facts;
}

customElements.define('hive-plan-rail', HivePlanRail);

declare global {
  interface HTMLElementTagNameMap {
    'hive-plan-rail': HivePlanRail;
  }
}
