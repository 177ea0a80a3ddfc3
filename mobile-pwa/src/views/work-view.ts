import { css, html, LitElement, nothing } from 'lit';
import { goalsQuery } from '@hive/schema/operations/goals.ts';
import type { ResultOf, VariablesOf } from '@hive/schema/operations/graphql.ts';
import { tasksQuery } from '@hive/schema/operations/tasks.ts';
import { ClockController } from '../controllers/clock-controller.ts';
import { EventController } from '../controllers/event-controller.ts';
import { PagedController } from '../controllers/paged-controller.ts';
import { formatAge, formatCount } from '../data/format.ts';
import { session } from '../data/session.ts';
import { statusLook } from '../data/status-look.ts';
import { navigate } from '../navigation.ts';
import { goalPath, taskPath } from '../routes.ts';
import { base, buttons, rows } from '../styles/base.ts';
import '../components/hive-empty.ts';
import '../components/hive-filter.ts';
import '../components/hive-more.ts';
import '../components/hive-page-header.ts';
import '../components/hive-pending.ts';
import '../components/hive-problem.ts';
import '../components/hive-row.ts';
import '../components/hive-skeleton.ts';

type Goal = ResultOf<typeof goalsQuery>['goals']['edges'][number]['node'];
type Task = ResultOf<typeof tasksQuery>['tasks']['edges'][number]['node'];
type GoalFilter = NonNullable<VariablesOf<typeof goalsQuery>['where']>;
type TaskFilter = NonNullable<VariablesOf<typeof tasksQuery>['where']>;

const GOAL_STATUSES = {
  open: ['PLANNING', 'AWAITING_ACCEPTANCE', 'RUNNING'],
  needs: ['AWAITING_ACCEPTANCE'],
  done: ['SUCCEEDED'],
  failed: ['FAILED', 'CANCELED'],
} satisfies Record<string, NonNullable<GoalFilter['status']>>;

const TASK_STATUSES = {
  open: ['BLOCKED', 'QUEUED', 'RUNNING', 'WAITING'],
  needs: ['WAITING'],
  done: ['SUCCEEDED'],
  failed: ['FAILED', 'CANCELED'],
} satisfies Record<string, NonNullable<TaskFilter['status']>>;

type Filter = 'all' | keyof typeof GOAL_STATUSES;

const FILTERS: { value: Filter; label: string }[] = [
  { value: 'all', label: 'All' },
  { value: 'open', label: 'Open' },
  { value: 'needs', label: 'Needs you' },
  { value: 'done', label: 'Done' },
  { value: 'failed', label: 'Failed' },
];

const AGE_MS = 30_000;

/** Everything the hive was asked to do, newest first: goals, and the tasks they became. */
export class HiveWorkView extends LitElement {
  static override properties = { itemId: {}, _filter: { state: true } };

  /** "goals" or "tasks"; empty means goals. */
  declare itemId: string;
  declare _filter: Filter;

  readonly #goals = new PagedController(this, {
    query: goalsQuery,
    variables: () => (this.itemId === 'tasks' ? undefined : { where: this.#where(GOAL_STATUSES) }),
    connection: (data: ResultOf<typeof goalsQuery>) => data.goals,
    belongs: ({ subject }) =>
      subject?.__typename === 'Goal' ? this.#admits(GOAL_STATUSES, subject.statusOfGoal) : undefined,
  });
  readonly #tasks = new PagedController(this, {
    query: tasksQuery,
    variables: () => (this.itemId === 'tasks' ? { where: this.#where(TASK_STATUSES) } : undefined),
    connection: (data: ResultOf<typeof tasksQuery>) => data.tasks,
    belongs: ({ subject }) =>
      subject?.__typename === 'Task' ? this.#admits(TASK_STATUSES, subject.statusOfTask) : undefined,
  });

  constructor() {
    super();
    this.itemId = '';
    this._filter = readFilter();
    new EventController(this, [session, 'change']);
    new ClockController(this, () => AGE_MS);
  }

  protected override render() {
    const showsTasks = this.itemId === 'tasks';
    return html`
      <hive-page-header heading="Work"></hive-page-header>
      <nav class="kinds" aria-label="Kind of work">
        <a href="/work" aria-current=${showsTasks ? 'false' : 'page'}>Goals</a>
        <a href="/work/tasks" aria-current=${showsTasks ? 'page' : 'false'}>Tasks</a>
      </nav>
      <hive-filter
        label="Status"
        .options=${FILTERS}
        .value=${this._filter}
        @choose=${this.#onFilter}
      ></hive-filter>
      ${showsTasks ? nothing : html`<hive-pending entity="goal:new"></hive-pending>`}
      ${showsTasks ? this.#renderList(this.#tasks, taskRow) : this.#renderList(this.#goals, goalRow)}
    `;
  }

  #renderList<Node extends { id: string }>(
    list: {
      nodes: Node[];
      totalCount: number | undefined;
      error: unknown;
      loading: boolean;
      loadingMore: boolean;
      hasMore: boolean;
      refetch: () => void;
      loadMore: () => void;
    },
    row: (node: Node) => unknown,
  ) {
    if (list.nodes.length === 0) {
      if (list.error)
        return html`<hive-problem .error=${list.error} @retry=${() => list.refetch()}></hive-problem>`;
      return list.loading ? html`<hive-skeleton .lines=${6}></hive-skeleton>` : this.#renderEmpty();
    }
    const noun = this.itemId === 'tasks' ? 'task' : 'goal';
    return html`
      <p class="count fine muted">
        ${list.totalCount === undefined ? '' : formatCount(list.totalCount, noun)}
      </p>
      <ul class="rows">
        ${list.nodes.map((node) => html`<li>${row(node)}</li>`)}
      </ul>
      <hive-more
        .more=${list.hasMore}
        .loading=${list.loadingMore}
        @more=${() => list.loadMore()}
      ></hive-more>
    `;
  }

  #renderEmpty() {
    if (this._filter !== 'all') {
      const label = FILTERS.find(({ value }) => value === this._filter)?.label ?? '';
      return html`<hive-empty heading="Nothing here" .text=${`There is no work under “${label}” right now.`}>
        <button @click=${() => this.#setFilter('all')}>Show all</button>
      </hive-empty>`;
    }
    const mayDispatch = session.may('goal.dispatch').allowed;
    return html`<hive-empty
      heading="No work yet"
      .text=${
        mayDispatch
          ? 'Give the hive a goal. It becomes a plan, the plan becomes tasks, and they appear here.'
          : 'When somebody dispatches a goal, it becomes a plan, the plan becomes tasks, and they appear here.'
      }
    >
      ${mayDispatch ? html`<a class="button primary" href="/dispatch">Dispatch a goal</a>` : nothing}
    </hive-empty>`;
  }

  #where<Status>(statuses: Record<Exclude<Filter, 'all'>, Status[]>): { status: Status[] } | null {
    return this._filter === 'all' ? null : { status: statuses[this._filter] };
  }

  #admits<Status>(statuses: Record<Exclude<Filter, 'all'>, Status[]>, status: Status): boolean {
    return this._filter === 'all' || statuses[this._filter].includes(status);
  }

  readonly #onFilter = (event: CustomEvent<string>): void => this.#setFilter(event.detail as Filter);

  #setFilter(filter: Filter): void {
    this._filter = filter;
    navigate(location.pathname + (filter === 'all' ? '' : `?status=${filter}`), { replace: true });
  }

  static override styles = [
    base,
    buttons,
    rows,
    css`
      .kinds {
        display: flex;
        gap: var(--hive-6);
        margin-block-end: var(--hive-3);
        border-block-end: var(--hive-stroke) solid var(--hive-hairline);
      }
      .kinds a {
        display: inline-flex;
        align-items: center;
        min-block-size: var(--hive-target);
        border-block-end: var(--hive-stroke-strong) solid transparent;
        color: var(--hive-muted);
        font-weight: 550;
        text-decoration: none;
      }
      .kinds a[aria-current='page'] {
        border-color: var(--hive-accent);
        color: var(--hive-ink);
      }
      .count {
        margin-block: var(--hive-4) var(--hive-1);
      }
      hive-pending {
        margin-block-start: var(--hive-3);
      }
    `,
  ];
}

function readFilter(): Filter {
  const asked = new URLSearchParams(location.search).get('status');
  return FILTERS.find(({ value }) => value === asked)?.value ?? 'all';
}

function goalRow(goal: Goal) {
  const { look, label } = statusLook(goal.status);
  const { total, succeeded } = goal.progress;
  return html`<hive-row
    .href=${goalPath(goal.id)}
    .look=${look}
    .heading=${goal.text}
    .detail=${total > 0 ? `${label} · ${succeeded} of ${total} tasks` : label}
    .aside=${formatAge(goal.createdAt, Date.now())}
  ></hive-row>`;
}

function taskRow(task: Task) {
  const { look, label } = statusLook(task.status);
  const why =
    task.status === 'QUEUED' ? task.queuedReason : task.status === 'WAITING' ? task.waitReason : null;
  return html`<hive-row
    .href=${taskPath(task.id)}
    .look=${look}
    .heading=${task.title}
    .detail=${[label, why ?? task.agent?.name].filter(Boolean).join(' · ')}
    .aside=${formatAge(task.updatedAt, Date.now())}
  ></hive-row>`;
}

customElements.define('hive-work-view', HiveWorkView);

declare global {
  interface HTMLElementTagNameMap {
    'hive-work-view': HiveWorkView;
  }
}
