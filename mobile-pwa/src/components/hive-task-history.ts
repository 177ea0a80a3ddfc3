import { css, html, LitElement, nothing } from 'lit';
import type { ResultOf } from '@hive/schema/operations/graphql.ts';
import type { taskQuery } from '@hive/schema/operations/tasks.ts';
import { elapsedMs, formatCost, formatDuration, formatMoment } from '../data/format.ts';
import { knownNow } from '../data/known-now.ts';
import { statusLook } from '../data/status-look.ts';
import { base, rows } from '../styles/base.ts';
import './hive-cell.ts';

type Task = NonNullable<ResultOf<typeof taskQuery>['task']>;
type Step = Task['steps'][number];
type Attempt = Task['attempts'][number];

/** How a task got where it is: each model and tool call, and each attempt. */
export class HiveTaskHistory extends LitElement {
  static override properties = { task: { attribute: false }, _opened: { state: true } };

  declare task: Task | undefined;
  /** Steps that were unfolded once: what a tool answered can be long, and most of it is never looked at. */
  declare _opened: ReadonlySet<string>;

  constructor() {
    super();
    this._opened = new Set();
  }

  protected override render() {
    const { task } = this;
    if (!task) return nothing;
    const steps = task.steps.toSorted((a, b) => a.position - b.position);
    const attempts = task.attempts.toSorted((a, b) => b.number - a.number);
    return html`
      ${
        steps.length > 0
          ? html`<section class="section">
              <h2>Steps</h2>
              <ul class="rows">
                ${steps.map((step) => html`<li>${this.#renderStep(step)}</li>`)}
              </ul>
            </section>`
          : nothing
      }
      ${
        attempts.length > 0
          ? html`<section class="section">
              <h2>Attempts</h2>
              <ul class="rows">
                ${attempts.map((attempt) => html`<li>${renderAttempt(attempt)}</li>`)}
              </ul>
            </section>`
          : nothing
      }
    `;
  }

  #renderStep(step: Step) {
    const { look, label } = statusLook(step.status);
    const elapsed = elapsedMs(step.startedAt, step.finishedAt, knownNow());
    const tokens = step.inputTokens === null ? '' : `${step.inputTokens} in, ${step.outputTokens ?? 0} out`;
    const cost = step.costMicroUsd ? formatCost(step.costMicroUsd) : '';
    const by = step.model ?? step.provider ?? (step.kind === 'TOOL' ? 'tool' : 'model');
    return html`
      <details @toggle=${() => this.#onToggle(step.id)}>
        <summary>
          <hive-cell .look=${look} .label=${label}></hive-cell>
          <span class="what">
            <span class="mono">${step.name}</span>
            <span class="fine muted">${[by, tokens, cost].filter(Boolean).join(' · ')}</span>
          </span>
          <span class="fine muted">${elapsed === null ? '' : formatDuration(elapsed)}</span>
        </summary>
        ${this._opened.has(step.id) ? renderStepBody(step) : nothing}
      </details>
    `;
  }

  #onToggle(id: string): void {
    if (!this._opened.has(id)) this._opened = new Set(this._opened).add(id);
  }

  static override styles = [
    base,
    rows,
    css`
      summary,
      .attempt {
        display: grid;
        grid-template-columns: max-content minmax(0, 1fr) max-content;
        gap: var(--hive-3);
        align-items: center;
        min-block-size: var(--hive-target);
        padding-block: var(--hive-2);
      }
      summary {
        cursor: pointer;
        list-style: none;
      }
      summary::-webkit-details-marker {
        display: none;
      }
      .what {
        min-inline-size: 0;
        font-size: var(--hive-text-15);
        overflow-wrap: anywhere;
      }
      .what span {
        display: block;
      }
      .body {
        display: grid;
        gap: var(--hive-2);
        padding-block-end: var(--hive-4);
      }
      pre {
        max-block-size: 16rem;
        margin: 0;
        padding: var(--hive-3) var(--hive-4);
        border-radius: var(--hive-radius);
        background: var(--hive-surface);
        font: var(--hive-text-12) / 1.5 var(--hive-mono);
        overflow: auto;
        overflow-wrap: anywhere;
        white-space: pre-wrap;
      }
      .notes li {
        font-size: var(--hive-text-13);
        overflow-wrap: anywhere;
      }
    `,
  ];
}

function renderStepBody(step: Step) {
  return html`
    <div class="body">
      ${
        step.failure
          ? html`<p class="small">
              ${step.failure.message} <span class="mono muted fine">${step.failure.code}</span>
            </p>`
          : nothing
      }
      ${
        step.notes.length > 0
          ? html`<h3 class="fine muted">On the way</h3>
              <ul class="notes">
                ${step.notes.map((note) => html`<li>${note}</li>`)}
              </ul>`
          : nothing
      }
      <h3 class="fine muted">Input</h3>
      <pre tabindex="0" role="group" aria-label=${`Input of ${step.name}`}>${pretty(step.input)}</pre>
      ${
        step.output === null
          ? nothing
          : html`<h3 class="fine muted">Output</h3>
              <pre tabindex="0" role="group" aria-label=${`Output of ${step.name}`}>
${pretty(step.output)}</pre>`
      }
    </div>
  `;
}

function renderAttempt(attempt: Attempt) {
  const { look, label } = statusLook(attempt.status);
  const elapsed = elapsedMs(attempt.startedAt, attempt.finishedAt, knownNow());
  const facts = [attempt.agent?.name, formatMoment(attempt.startedAt, Date.now()), attempt.failure?.message];
  return html`
    <div class="attempt">
      <hive-cell .look=${look}></hive-cell>
      <span class="what">
        <span>Attempt ${attempt.number} · ${label}</span>
        <span class="fine muted">${facts.filter(Boolean).join(' · ')}</span>
      </span>
      <span class="fine muted">${elapsed === null ? '' : formatDuration(elapsed)}</span>
    </div>
  `;
}

function pretty(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
}

customElements.define('hive-task-history', HiveTaskHistory);

declare global {
  interface HTMLElementTagNameMap {
    'hive-task-history': HiveTaskHistory;
  }
}
