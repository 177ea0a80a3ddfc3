import { css, html, LitElement, nothing, type PropertyValues } from 'lit';
import type { ResultOf } from '@hive/schema/operations/graphql.ts';
import type { goalQuery } from '@hive/schema/operations/goals.ts';
import { ClockController } from '../controllers/clock-controller.ts';
import { EventController } from '../controllers/event-controller.ts';
import { act } from '../data/act.ts';
import { announce } from '../data/announce.ts';
import { elapsedMs, formatAge, formatCost, formatDuration } from '../data/format.ts';
import { knownNow } from '../data/known-now.ts';
import { nameRoles } from '../data/member-role.ts';
import { session } from '../data/session.ts';
import { isEnded, statusLook } from '../data/status-look.ts';
import { base, buttons, rows } from '../styles/base.ts';
import type { HiveConfirm } from './hive-confirm.ts';
import './hive-cell.ts';
import './hive-confirm.ts';
import './hive-output.ts';
import './hive-pending.ts';
import './hive-plan-rail.ts';

export type GoalDetail = NonNullable<ResultOf<typeof goalQuery>['goal']>;

/** A goal from plan to result: where it stands, its plan, what the person can do, and in the end the answer. */
export class HiveGoalRun extends LitElement {
  static override properties = {
    goal: { attribute: false },
    fresh: { type: Boolean },
    _editing: { state: true },
  };

  declare goal: GoalDetail | undefined;
  /** Dispatched a moment ago, right here. A small goal may have ended before its page is there: it is watched all the same. */
  declare fresh: boolean;
  declare _editing: boolean;
  #announcedStatus = '';
  /** The person saw it run: the plan stays open when the answer comes, and the answer is one tap away. */
  #watched = false;

  constructor() {
    super();
    this.fresh = false;
    this._editing = false;
    new EventController(this, [session, 'change']);
    new ClockController(this, () => (this.goal && !isEnded(this.goal.status) ? 1_000 : 30_000));
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    const before = changed.get('goal');
    if (before && before.id !== this.goal?.id) this.#watched = false;
    if (this.fresh || (this.goal && !isEnded(this.goal.status))) this.#watched = true;
  }

  protected override updated(): void {
    if (!this.goal || this.goal.status === this.#announcedStatus) return;
    const first = this.#announcedStatus === '';
    this.#announcedStatus = this.goal.status;
    if (!first) announce(`Goal: ${statusLook(this.goal.status).label}.`);
    if (this.goal.status !== 'AWAITING_ACCEPTANCE') this._editing = false;
  }

  protected override render() {
    const { goal } = this;
    if (!goal) return nothing;
    return html`
      ${this.#renderStatus(goal)}
      <hive-pending .entity=${goal.id}></hive-pending>
      ${
        goal.failure
          ? html`<p class="panel small failure">
              ${goal.failure.message} <span class="mono muted fine">${goal.failure.code}</span>
            </p>`
          : nothing
      }
      ${this.#renderPlan(goal)} ${goal.result ? this.#renderResult(goal.result) : nothing}
      ${isEnded(goal.status) || !this.#steering(goal).allowed ? nothing : this.#renderCancel(goal)}
    `;
  }

  #steering(goal: GoalDetail) {
    return session.may('goal.steer', goal.project?.id ?? null);
  }

  #renderStatus(goal: GoalDetail) {
    const { look, label } = statusLook(goal.status);
    const { total, succeeded } = goal.progress;
    const elapsed = elapsedMs(goal.startedAt ?? goal.createdAt, goal.finishedAt, knownNow());
    const facts = [
      total > 0 ? `${succeeded} of ${total} tasks` : '',
      elapsed === null || goal.status === 'AWAITING_ACCEPTANCE' ? '' : formatDuration(elapsed),
    ].filter((fact) => fact !== '');
    const origin = [goal.project?.name, formatAge(goal.createdAt, Date.now())].filter(Boolean).join(' · ');
    return html`
      <p class="fine muted origin">${origin}</p>
      <p class="status">
        <hive-cell .look=${look}></hive-cell>
        <span><b>${label}</b><span class="muted small">${facts.map((fact) => ` · ${fact}`)}</span></span>
      </p>
      ${
        goal.result && this.#watched
          ? html`<button class="primary wide" @click=${this.#onRead}>Read the answer</button>`
          : nothing
      }
    `;
  }

  #renderResult(result: NonNullable<GoalDetail['result']>) {
    return html`<section class="section result" aria-label="Result" tabindex="-1">
      <hive-output .output=${result}></hive-output>
    </section>`;
  }

  #renderPlan(goal: GoalDetail) {
    const { plan } = goal;
    if (!plan && goal.status !== 'PLANNING') return nothing;
    // One template with and without a plan, so that the rail that waited is the one that grows.
    return html`
      <details class="section fold" ?open=${this.#watched || !goal.result}>
        <summary>
          <h2>Plan</h2>
          <span class="fine muted">${plan ? describeOrigin(plan) : ''}</span>
        </summary>
        <p class="small muted">${plan ? plan.summary : 'The planner is working out the steps.'}</p>
        ${
          this._editing
            ? html`<hive-plan-editor .goal=${goal} @close=${this.#onEditorClose}></hive-plan-editor>`
            : html`<hive-plan-rail .nodes=${plan?.nodes ?? []} ?fresh=${this.fresh}></hive-plan-rail>`
        }
        ${
          goal.status === 'AWAITING_ACCEPTANCE' && !this.#steering(goal).allowed
            ? html`<p class="panel small">
                It waits for somebody to accept the plan. ${nameRoles(this.#steering(goal).message ?? '')}
              </p>`
            : nothing
        }
        ${
          goal.status === 'AWAITING_ACCEPTANCE' && !this._editing && this.#steering(goal).allowed
            ? html`
                <div class="decide">
                  <button class="wide" @click=${this.#onEdit}>Edit plan</button>
                  <button class="primary wide" @click=${this.#onAccept}>Accept and start</button>
                </div>
              `
            : nothing
        }
      </details>
    `;
  }

  #renderCancel(goal: GoalDetail) {
    return html`
      <div class="section actions">
        <button class="danger" @click=${this.#onAskCancel}>Cancel goal</button>
      </div>
      <hive-confirm
        heading="Cancel this goal?"
        text=${`Running tasks are stopped and what waits is dropped. What is finished stays. “${goal.text.slice(0, 80)}”`}
        action="Cancel goal"
        keep="Keep going"
        @confirmed=${this.#onCancel}
      ></hive-confirm>
    `;
  }

  readonly #onRead = (): void => {
    const result = this.renderRoot.querySelector<HTMLElement>('.result');
    result?.scrollIntoView({ block: 'start' });
    result?.focus({ preventScroll: true });
  };

  readonly #onAccept = (): void => {
    if (this.goal) void act('acceptPlan', { goalId: this.goal.id }, 'Accept the plan');
  };

  readonly #onEdit = async (): Promise<void> => {
    await import('./hive-plan-editor.ts');
    this._editing = true;
  };

  readonly #onEditorClose = (): void => {
    this._editing = false;
  };

  readonly #onAskCancel = (): void => this.renderRoot.querySelector<HiveConfirm>('hive-confirm')?.show();

  readonly #onCancel = (): void => {
    if (this.goal) void act('cancelGoal', { goalId: this.goal.id }, 'Cancel the goal');
  };

  static override styles = [
    base,
    buttons,
    rows,
    css`
      .status {
        display: flex;
        align-items: center;
        gap: var(--hive-3);
        margin-block-end: var(--hive-3);
      }
      .origin {
        margin-block: calc(-1 * var(--hive-3)) var(--hive-4);
      }
      .status b {
        font-weight: 600;
      }
      .fold {
        margin-block-start: var(--hive-4);
      }
      .fold > p {
        margin-block-end: var(--hive-2);
      }
      .fold:not([open]) + .result {
        margin-block-start: var(--hive-3);
      }
      .result {
        scroll-margin-block-start: var(--hive-4);
        outline: none;
      }
      .failure {
        margin-block-start: var(--hive-3);
      }
      .decide {
        /* In reach of the thumb however long the plan is. */
        position: sticky;
        inset-block-end: calc(var(--hive-tab-bar) + env(safe-area-inset-bottom));
        display: grid;
        grid-template-columns: 2fr 3fr;
        gap: var(--hive-3);
        margin-block-start: var(--hive-2);
        padding-block: var(--hive-3);
        background: var(--hive-background);
      }
      @media (min-width: 60rem), (min-width: 40rem) and (max-height: 30rem) {
        .decide {
          inset-block-end: 0;
        }
      }
    `,
  ];
}

function describeOrigin(plan: NonNullable<GoalDetail['plan']>): string {
  const origin = {
    MODEL: 'Planned by the model',
    RECIPE: `Recipe${plan.recipe ? ` “${plan.recipe}”` : ''}`,
    EDITED: 'Edited by you',
  }[plan.source];
  const cost = plan.estimatedCostMicroUsd > 0 ? ` · about ${formatCost(plan.estimatedCostMicroUsd)}` : '';
  return `${origin}${plan.cached ? ' · from the plan cache' : ''}${cost}`;
}

customElements.define('hive-goal-run', HiveGoalRun);

declare global {
  interface HTMLElementTagNameMap {
    'hive-goal-run': HiveGoalRun;
  }
}
