import { css, html, LitElement, nothing } from 'lit';
import type { ResultOf } from '@hive/schema/operations/graphql.ts';
import { taskQuery } from '@hive/schema/operations/tasks.ts';
import type { HiveConfirm } from '../components/hive-confirm.ts';
import { ClockController } from '../controllers/clock-controller.ts';
import { EventController } from '../controllers/event-controller.ts';
import { OutputController } from '../controllers/output-controller.ts';
import { QueryController } from '../controllers/query-controller.ts';
import { act } from '../data/act.ts';
import { elapsedMs, formatDuration, formatMoment } from '../data/format.ts';
import { hive } from '../data/hive.ts';
import { knownNow } from '../data/known-now.ts';
import { nameRoles } from '../data/member-role.ts';
import { session } from '../data/session.ts';
import { isEnded, statusLook } from '../data/status-look.ts';
import { agentPath, goalPath, taskPath } from '../routes.ts';
import { base, buttons, rows } from '../styles/base.ts';
import '../components/hive-cell.ts';
import '../components/hive-confirm.ts';
import '../components/hive-empty.ts';
import '../components/hive-live-output.ts';
import '../components/hive-output.ts';
import '../components/hive-page-header.ts';
import '../components/hive-pending.ts';
import '../components/hive-problem.ts';
import '../components/hive-row.ts';
import '../components/hive-skeleton.ts';
import '../components/hive-task-history.ts';

export type TaskDetail = NonNullable<ResultOf<typeof taskQuery>['task']>;

/** One task: what it was told, what it is saying right now, how it got there, and what the person can do. */
export class HiveTaskView extends LitElement {
  static override properties = { itemId: {} };

  declare itemId: string;

  readonly #task = new QueryController(this, {
    query: taskQuery,
    variables: () => (this.itemId ? { id: this.itemId } : undefined),
    refetchOn: (event) => event.subjectId === this.itemId,
  });
  readonly #output = new OutputController(this, () => {
    const task = this.#task.data?.task;
    return task && !task.output && (task.status === 'RUNNING' || task.attempt > 0) ? task.id : undefined;
  });

  constructor() {
    super();
    this.itemId = '';
    new EventController(this, [hive.connection, 'change'], [session, 'change']);
    new ClockController(this, () => (this.#task.data?.task?.status === 'RUNNING' ? 1_000 : 30_000));
  }

  protected override render() {
    const { data, error, answered } = this.#task;
    const task = data?.task;
    const goal = task?.goal;
    return html`
      <hive-page-header
        .heading=${task?.title ?? (answered ? 'No such task' : '')}
        .backHref=${goal ? goalPath(goal.id) : '/work/tasks'}
        .backLabel=${goal ? 'Goal' : 'Tasks'}
      ></hive-page-header>
      ${
        task
          ? this.#renderTask(task)
          : error
            ? html`<hive-problem .error=${error} @retry=${() => this.#task.refetch()}></hive-problem>`
            : answered
              ? html`<hive-empty
                  heading="Nothing at this address"
                  text="It may belong to another hive, or the address is incomplete."
                ></hive-empty>`
              : html`<hive-skeleton .lines=${5}></hive-skeleton>`
      }
    `;
  }

  #renderTask(task: TaskDetail) {
    return html`
      ${this.#renderStatus(task)} ${this.#renderReason(task)}
      <hive-pending .entity=${task.id}></hive-pending>
      ${this.#renderActions(task)} ${this.#renderOutput(task)}
      ${isEnded(task.status) || !this.#may('task.steer', task).allowed ? nothing : this.#renderCancel(task)}
      <section class="section">
        <h2>Instruction</h2>
        <p class="instruction">${task.instruction}</p>
      </section>
      ${task.dependsOn.length > 0 ? this.#renderDependencies(task) : nothing}
      <hive-task-history .task=${task}></hive-task-history>
      ${this.#renderFacts(task)}
    `;
  }

  #renderStatus(task: TaskDetail) {
    const { look, label } = statusLook(task.status);
    const elapsed = elapsedMs(task.startedAt, task.finishedAt, knownNow());
    return html`
      <p class="status">
        <hive-cell .look=${look}></hive-cell>
        <span>
          <b>${label}</b
          ><span class="muted small"
            >${elapsed === null ? '' : ` · ${formatDuration(elapsed)}`}${
              task.agent ? html` · <a href=${agentPath(task.agent.id)}>${task.agent.name}</a>` : nothing
            }${task.attempt > 1 ? ` · attempt ${task.attempt} of ${task.maxAttempts}` : ''}</span
          >
        </span>
      </p>
    `;
  }

  /** Why it stands still, in the server's words. */
  #renderReason(task: TaskDetail) {
    const reason =
      task.status === 'QUEUED' ? task.queuedReason : task.status === 'WAITING' ? task.waitReason : null;
    if (reason) return html`<p class="panel small reason">${reason}</p>`;
    if (!task.failure || task.status === 'SUCCEEDED') return nothing;
    return html`<p class="panel small reason">
      ${task.failure.message} <span class="mono muted fine">${task.failure.code}</span>
    </p>`;
  }

  #may(action: string, task: TaskDetail) {
    return session.may(action, task.goal?.project?.id ?? null);
  }

  #renderActions(task: TaskDetail) {
    const undecided = task.steps.find((step) => step.status === 'RUNNING');
    if (task.status === 'WAITING' && undecided) {
      const deciding = this.#may('decision.make', task);
      if (!deciding.allowed)
        return html`<p class="panel small section">
          The server died while <span class="mono">${undecided.name}</span> ran, and somebody has to decide
          whether it runs again. ${nameRoles(deciding.message ?? '')}
        </p>`;
      const decide = (decision: 'REPEAT' | 'FAIL', label: string) => () =>
        void act('resolveStep', { taskId: task.id, stepId: undecided.id, decision }, label);
      return html`
        <div class="section">
          <h2>Your decision</h2>
          <p class="small">
            The server died while <span class="mono">${undecided.name}</span> ran. It may or may not have had
            its effect.
          </p>
          <div class="actions decide">
            <button class="primary" @click=${decide('REPEAT', 'Run the step again')}>Run it again</button>
            <button @click=${decide('FAIL', 'Fail the step')}>Give it up</button>
          </div>
        </div>
      `;
    }
    if ((task.status === 'FAILED' || task.status === 'CANCELED') && this.#may('task.steer', task).allowed) {
      return html`<div class="section actions">
        <button class="primary" @click=${() => void act('retryTask', { taskId: task.id }, 'Retry the task')}>
          Retry task
        </button>
      </div>`;
    }
    return nothing;
  }

  #renderCancel(task: TaskDetail) {
    return html`
      <div class="section actions">
        <button
          class="danger"
          @click=${() => this.renderRoot.querySelector<HiveConfirm>('hive-confirm')?.show()}
        >
          Cancel task
        </button>
      </div>
      <hive-confirm
        heading="Cancel this task?"
        text="It is stopped, and what waits for its result will not run. You can retry it later."
        action="Cancel task"
        keep="Keep going"
        @confirmed=${() => void act('cancelTask', { taskId: task.id }, 'Cancel the task')}
      ></hive-confirm>
    `;
  }

  #renderOutput(task: TaskDetail) {
    if (task.output) {
      return html`<section class="section" aria-label="Result">
        <hive-output .output=${task.output}></hive-output>
      </section>`;
    }
    const streamed = this.#output.output;
    const text = streamed.text || (task.partialOutput?.text ?? '');
    if (text === '' && task.status !== 'RUNNING') return nothing;
    return html`
      <section class="section">
        <h2>${this.#describeOutput(task)}</h2>
        <hive-live-output .text=${text} .running=${task.status === 'RUNNING'}></hive-live-output>
      </section>
    `;
  }

  #describeOutput(task: TaskDetail): string {
    if (task.status !== 'RUNNING') return 'What it wrote before it stopped';
    return hive.connection.status === 'live' ? 'Writing now' : 'Written so far';
  }

  #renderDependencies(task: TaskDetail) {
    return html`
      <section class="section">
        <h2>Builds on</h2>
        <ul class="rows">
          ${task.dependsOn.map((before) => {
            const { look, label } = statusLook(before.status);
            return html`<li>
              <hive-row
                .href=${taskPath(before.id)}
                .look=${look}
                .heading=${before.title}
                .detail=${label}
              ></hive-row>
            </li>`;
          })}
        </ul>
      </section>
    `;
  }

  #renderFacts(task: TaskDetail) {
    const now = Date.now();
    return html`
      <section class="section">
        <h2>Facts</h2>
        <dl class="facts">
          <dt>Needs</dt>
          <dd>
            ${task.requiredCapabilities.length > 0 ? task.requiredCapabilities.join(', ') : 'nothing special'}
          </dd>
          <dt>Priority</dt>
          <dd>${task.priority}</dd>
          <dt>Time limit</dt>
          <dd>${formatDuration(task.timeoutSeconds * 1_000)}</dd>
          <dt>Created</dt>
          <dd>${formatMoment(task.createdAt, now)}</dd>
          ${
            task.finishedAt
              ? html`<dt>Finished</dt>
                  <dd>${formatMoment(task.finishedAt, now)}</dd>`
              : nothing
          }
        </dl>
      </section>
    `;
  }

  static override styles = [
    base,
    buttons,
    rows,
    css`
      .status {
        display: flex;
        align-items: center;
        gap: var(--hive-3);
      }
      .status b {
        font-weight: 600;
      }
      .reason,
      hive-pending {
        margin-block-start: var(--hive-4);
      }
      .instruction {
        white-space: pre-line;
        overflow-wrap: anywhere;
      }
      .decide {
        margin-block-start: var(--hive-4);
      }
    `,
  ];
}

customElements.define('hive-task-view', HiveTaskView);

declare global {
  interface HTMLElementTagNameMap {
    'hive-task-view': HiveTaskView;
  }
}
