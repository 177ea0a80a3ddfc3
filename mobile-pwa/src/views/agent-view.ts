import { css, html, LitElement, nothing } from 'lit';
import { agentQuery, retireAgentMutation } from '@hive/schema/operations/agents.ts';
import type { ResultOf } from '@hive/schema/operations/graphql.ts';
import type { HiveConfirm } from '../components/hive-confirm.ts';
import { ClockController } from '../controllers/clock-controller.ts';
import { EventController } from '../controllers/event-controller.ts';
import { QueryController } from '../controllers/query-controller.ts';
import { act } from '../data/act.ts';
import { confirmAndSend } from '../data/direct.ts';
import { formatAge, formatCount, formatDuration, formatMoment } from '../data/format.ts';
import { describeRole } from '../data/role.ts';
import { session } from '../data/session.ts';
import { statusLook } from '../data/status-look.ts';
import { taskPath } from '../routes.ts';
import { base, buttons, rows } from '../styles/base.ts';
import '../components/hive-cell.ts';
import '../components/hive-confirm.ts';
import '../components/hive-empty.ts';
import '../components/hive-page-header.ts';
import '../components/hive-pending.ts';
import '../components/hive-problem.ts';
import '../components/hive-row.ts';
import '../components/hive-skeleton.ts';

type Agent = NonNullable<ResultOf<typeof agentQuery>['agent']>;

const KINDS = {
  LLM: 'Language model',
  EXTRACTIVE: 'Extractive, no language model',
  ACP: 'External coding agent',
  REMOTE: 'Remote worker',
};

/** One agent: what it is doing, how well it does, and the means to hold it back. */
export class HiveAgentView extends LitElement {
  static override properties = { itemId: {}, _problem: { state: true } };

  declare itemId: string;
  declare _problem: string;

  readonly #agent = new QueryController(this, {
    query: agentQuery,
    variables: () => (this.itemId ? { id: this.itemId } : undefined),
    refetchOn: ({ subject, subjectId }) =>
      subjectId === this.itemId || (subject?.__typename === 'Task' && subject.agent?.id === this.itemId),
  });

  constructor() {
    super();
    this.itemId = '';
    this._problem = '';
    new EventController(this, [session, 'change']);
    new ClockController(this, () => 15_000);
  }

  protected override render() {
    const { data, error, answered } = this.#agent;
    const agent = data?.agent;
    return html`
      <hive-page-header
        .heading=${agent?.name ?? (answered ? 'No such agent' : '')}
        back-href="/fleet"
        back-label="Fleet"
      >
        ${agent && describeRole(agent) ? html`<p class="muted">${describeRole(agent)}</p>` : nothing}
      </hive-page-header>
      ${
        agent
          ? this.#renderAgent(agent)
          : error
            ? html`<hive-problem .error=${error} @retry=${() => this.#agent.refetch()}></hive-problem>`
            : answered
              ? html`<hive-empty
                  heading="Nothing at this address"
                  text="It may belong to another hive, or the address is incomplete."
                ></hive-empty>`
              : html`<hive-skeleton .lines=${5}></hive-skeleton>`
      }
    `;
  }

  #renderAgent(agent: Agent) {
    const { look, label } = statusLook(agent.status);
    return html`
      <p class="status">
        <hive-cell .look=${look}></hive-cell>
        <span>
          <b>${label}</b>
          <span class="muted small"> · ${agent.activeTaskCount} of ${agent.maxConcurrency} at once</span>
        </span>
      </p>
      ${renderBreaker(agent)}
      <hive-pending .entity=${agent.id}></hive-pending>
      ${this.#renderActions(agent)}
      <section class="section">
        <h2>Doing now</h2>
        ${
          agent.activeTasks.length === 0
            ? html`<p class="small muted">Nothing at the moment.</p>`
            : html`<ul class="rows">
                ${agent.activeTasks.map((task) => {
                  const { look: taskLook, label: taskLabel } = statusLook(task.status);
                  return html`<li>
                    <hive-row
                      .href=${taskPath(task.id)}
                      .look=${taskLook}
                      .heading=${task.title}
                      .detail=${task.goal?.text ?? taskLabel}
                    ></hive-row>
                  </li>`;
                })}
              </ul>`
        }
      </section>
      ${renderFacts(agent)}
      ${
        agent.instructions
          ? html`<section class="section">
              <h2>Instructions</h2>
              <p class="instructions small">${agent.instructions}</p>
            </section>`
          : nothing
      }
      ${agent.status === 'RETIRED' || !session.may('agent.retire').allowed ? nothing : this.#renderRetire(agent)}
    `;
  }

  #renderActions(agent: Agent) {
    if (agent.status === 'RETIRED' || !session.may('agent.operate').allowed) return nothing;
    return agent.status === 'PAUSED'
      ? html`<div class="actions">
          <button
            class="primary"
            @click=${() => void act('resumeAgent', { agentId: agent.id }, `Resume ${agent.name}`)}
          >
            Resume
          </button>
        </div>`
      : html`<div class="actions">
          <button @click=${() => void act('pauseAgent', { agentId: agent.id }, `Pause ${agent.name}`)}>
            Pause
          </button>
          <p class="fine muted hint">It finishes what it is doing and takes nothing new.</p>
        </div>`;
  }

  #renderRetire(agent: Agent) {
    return html`
      <div class="section actions">
        <p class="small problem" role="alert" ?hidden=${this._problem === ''}>${this._problem}</p>
        <button
          class="danger"
          @click=${() => this.renderRoot.querySelector<HiveConfirm>('hive-confirm')?.show()}
        >
          Retire agent
        </button>
      </div>
      <hive-confirm
        .heading=${`Retire ${agent.name}?`}
        .text=${
          agent.activeTaskCount > 0
            ? `It takes no more tasks, for good. It has ${formatCount(agent.activeTaskCount, 'task')} in hand, so you confirm who you are first.`
            : 'It takes no more tasks, for good. What it did stays on record.'
        }
        action="Retire"
        @confirmed=${() => void this.#retire(agent)}
      ></hive-confirm>
    `;
  }

  async #retire(agent: Agent): Promise<void> {
    this._problem = '';
    const input = { agentId: agent.id };
    if (agent.activeTaskCount === 0) {
      await act('retireAgent', input, `Retire ${agent.name}`);
      return;
    }
    // With work in hand it asks who is there, which cannot wait in the outbox.
    const outcome = await confirmAndSend(retireAgentMutation, input);
    if (outcome.ok) this.#agent.refetch();
    else this._problem = outcome.message;
  }

  static override styles = [
    base,
    buttons,
    rows,
    css`
      .problem {
        color: var(--hive-failed);
        font-weight: 600;
      }
      .status {
        display: flex;
        align-items: center;
        gap: var(--hive-3);
        margin-block-end: var(--hive-4);
      }
      .status b {
        font-weight: 600;
      }
      .panel,
      hive-pending {
        margin-block-end: var(--hive-4);
      }
      .actions {
        align-items: center;
      }
      .hint {
        flex: 1 1 10rem;
      }
      .instructions {
        white-space: pre-line;
      }
    `,
  ];
}

function renderBreaker({ breaker }: Agent) {
  if (breaker.state === 'CLOSED') return nothing;
  const retry = breaker.retryAt ? ` It is tried again at ${formatMoment(breaker.retryAt, Date.now())}.` : '';
  const state = breaker.state === 'OPEN' ? 'Its breaker is open' : 'Its breaker is half open';
  return html`<p class="panel small">
    ${state} after ${breaker.consecutiveFailures} failures in a row.${retry}
  </p>`;
}

function renderFacts(agent: Agent) {
  const finished = agent.succeededCount + agent.failedCount;
  return html`
    <section class="section">
      <h2>Facts</h2>
      <dl class="facts">
        <dt>Kind</dt>
        <dd>${KINDS[agent.kind]}</dd>
        <dt>Can do</dt>
        <dd>${agent.capabilities.length > 0 ? agent.capabilities.join(', ') : 'nothing in particular'}</dd>
        ${
          agent.crew
            ? html`<dt>Crew</dt>
                <dd>${agent.crew.name}</dd>`
            : nothing
        }
        <dt>Finished</dt>
        <dd>
          ${finished === 0 ? 'nothing yet' : `${agent.succeededCount} done, ${agent.failedCount} failed`}
        </dd>
        ${
          agent.averageLatencyMs === null
            ? nothing
            : html`<dt>Usually takes</dt>
                <dd>${formatDuration(agent.averageLatencyMs)}</dd>`
        }
        <dt>Last heard of</dt>
        <dd>${agent.lastHeartbeatAt ? formatAge(agent.lastHeartbeatAt, Date.now()) : 'never'}</dd>
      </dl>
    </section>
  `;
}

customElements.define('hive-agent-view', HiveAgentView);

declare global {
  interface HTMLElementTagNameMap {
    'hive-agent-view': HiveAgentView;
  }
}
