import { css, html, LitElement, nothing, type PropertyValues } from 'lit';
import { goalQuery, goalsQuery } from '@hive/schema/operations/goals.ts';
import { healthQuery } from '@hive/schema/operations/health.ts';
import { projectsQuery } from '@hive/schema/operations/projects.ts';
import { EventController } from '../controllers/event-controller.ts';
import { QueryController } from '../controllers/query-controller.ts';
import { announce } from '../data/announce.ts';
import { formatAge } from '../data/format.ts';
import { concernsGoal } from '../data/event-concerns.ts';
import { hive } from '../data/hive.ts';
import { session } from '../data/session.ts';
import type { Settled } from '../data/outbox.ts';
import type { OutboxEntry } from '../data/outbox-entry.ts';
import { statusLook } from '../data/status-look.ts';
import { navigate } from '../navigation.ts';
import { dispatchPath, goalPath } from '../routes.ts';
import { base, buttons, rows } from '../styles/base.ts';
import '../components/hive-dispatch-form.ts';
import '../components/hive-empty.ts';
import '../components/hive-extractive-notice.ts';
import '../components/hive-not-allowed.ts';
import '../components/hive-page-header.ts';
import '../components/hive-pending.ts';
import '../components/hive-problem.ts';
import '../components/hive-row.ts';
import '../components/hive-skeleton.ts';

/** For the first goal, when there is nothing of the person's own to go by. One for each kind of plan. */
const EXAMPLES = [
  'Explain how this project is laid out',
  'Summarise the documents',
  'Find every TODO and say what it is about',
  'List the open questions',
];

/** What shows a goal: not needed for the first page a person sees, which is the form. */
const loadGoalRun = () => import('../components/hive-goal-run.ts');

/** The front door: give the hive a goal, and watch its plan grow and run in the same place. */
export class HiveDispatchView extends LitElement {
  static override properties = {
    itemId: {},
    _sentEntry: { state: true },
    _freshId: { state: true },
    _broken: { state: true },
  };

  /** The goal to show; empty for the form. */
  declare itemId: string;
  /** The dispatch made here: when its goal exists, the page goes on with it. */
  declare _sentEntry: string | undefined;
  /** The code that shows a goal could not be loaded. */
  declare _broken: boolean;
  /** The goal that came of it. */
  declare _freshId: string | undefined;

  readonly #goal = new QueryController(this, {
    query: goalQuery,
    variables: () => (this.itemId ? { id: this.itemId } : undefined),
    refetchOn: (event) => concernsGoal(event, this.itemId),
  });
  readonly #recent = new QueryController(this, {
    query: goalsQuery,
    variables: () => (this.itemId ? undefined : { first: 5, after: null, where: null }),
    refetchOn: (event, data) =>
      event.subject?.__typename === 'Goal' &&
      !data?.goals.edges.some(({ node }) => node.id === event.subjectId),
  });
  readonly #projects = new QueryController(this, {
    query: projectsQuery,
    variables: () => (this.itemId ? undefined : { first: 100, after: null }),
    refetchOn: (event) => event.subject?.__typename === 'Project',
  });
  readonly #health = new QueryController(this, { query: healthQuery, variables: () => ({}) });

  constructor() {
    super();
    this.itemId = '';
    this._broken = false;
    new EventController(this, [hive.outbox, 'change'], [session, 'change']);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    hive.outbox.addEventListener('settled', this.#onSettled);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    hive.outbox.removeEventListener('settled', this.#onSettled);
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('itemId')) this._sentEntry = undefined;
    if (this.itemId) void this.#loadGoalRun();
  }

  protected override render() {
    return this.itemId ? this.#renderGoal() : this.#renderForm();
  }

  #renderForm() {
    const projects = this.#projects.data?.projects.edges.map(({ node }) => node) ?? [];
    const noModel = this.#health.data?.health.languageModelConnected === false;
    const dispatching = session.may('goal.dispatch');
    if (!dispatching.allowed) return this.#renderWatching(dispatching.message ?? '');
    // Where the person may only look, the project is not offered: a goal for it would be refused.
    const open = projects.filter(({ id }) => session.may('goal.dispatch', id).allowed);
    return html`
      <hive-page-header heading="What should the hive do?"></hive-page-header>
      <hive-dispatch-form
        .projects=${open}
        .projectless=${session.may('goal.dispatch', null).allowed}
        .projectsKnown=${this.#projects.data !== undefined}
        @dispatched=${this.#onDispatched}
      ></hive-dispatch-form>
      <hive-pending entity="goal:new" editable @edit=${this.#onEdit}></hive-pending>
      ${noModel ? html`<hive-extractive-notice upcoming></hive-extractive-notice>` : nothing}
      ${this.#renderRecent()}
    `;
  }

  /** For whoever may look on but not dispatch: no form that would only be refused. */
  #renderWatching(message: string) {
    return html`
      <hive-page-header heading="Dispatch"></hive-page-header>
      <hive-not-allowed heading="You follow the work here" .message=${message}>
        <p class="small muted">You see every goal, its plan and what comes of it, live.</p>
      </hive-not-allowed>
      <hive-pending entity="goal:new"></hive-pending>
      ${this.#renderRecent()}
    `;
  }

  #renderRecent() {
    const { data, error, loading } = this.#recent;
    if (error && !data)
      return html`<hive-problem .error=${error} @retry=${() => this.#recent.refetch()}></hive-problem>`;
    if (loading) return html`<hive-skeleton .lines=${3}></hive-skeleton>`;
    if (!data) return nothing;
    const goals = data.goals.edges.map(({ node }) => node);
    if (goals.length === 0) {
      return session.may('goal.dispatch').allowed
        ? this.#renderExamples()
        : html`<hive-empty
            heading="No goal yet"
            text="When somebody dispatches one, it appears here."
          ></hive-empty>`;
    }
    return html`
      <section class="section">
        <div class="section-head">
          <h2>Recent goals</h2>
          <a class="fine" href="/work">All work</a>
        </div>
        <ul class="rows">
          ${goals.map((goal) => {
            const { look, label } = statusLook(goal.status);
            return html`<li>
              <hive-row
                .href=${goalPath(goal.id)}
                .look=${look}
                .heading=${goal.text}
                .detail=${label}
                .aside=${formatAge(goal.createdAt, Date.now())}
              ></hive-row>
            </li>`;
          })}
        </ul>
      </section>
    `;
  }

  #renderExamples() {
    return html`
      <section class="section">
        <div class="section-head"><h2>To begin with</h2></div>
        <ul class="rows">
          ${EXAMPLES.map(
            (text) =>
              html`<li><button class="example" @click=${() => this.#fill(text)}>${text}</button></li>`,
          )}
        </ul>
      </section>
    `;
  }

  #renderGoal() {
    const { data, error } = this.#goal;
    const goal = data?.goal;
    if (this._broken) return this.#renderBroken();
    return html`
      <hive-page-header
        .heading=${goal?.text ?? (this.#goal.answered ? 'No such goal' : '')}
        long
        back-href="/dispatch"
        back-label="New goal"
      ></hive-page-header>
      ${
        goal
          ? html`<hive-goal-run .goal=${goal} ?fresh=${goal.id === this._freshId}></hive-goal-run>`
          : error
            ? html`<hive-problem .error=${error} @retry=${() => this.#goal.refetch()}></hive-problem>`
            : this.#goal.answered
              ? html`<p class="muted">This goal does not exist any more.</p>`
              : html`<hive-skeleton></hive-skeleton>`
      }
    `;
  }

  async #loadGoalRun(): Promise<void> {
    try {
      await loadGoalRun();
      this._broken = false;
    } catch {
      this._broken = true;
    }
  }

  #renderBroken() {
    return html`
      <hive-empty
        heading="This page could not be loaded"
        text="The app was probably updated while it was open."
      >
        <button class="primary" @click=${() => location.reload()}>Load the app again</button>
      </hive-empty>
    `;
  }

  readonly #onDispatched = (event: CustomEvent<string>): void => {
    this._sentEntry = event.detail;
    // Arrives about when the server's answer does.
    void this.#loadGoalRun();
  };

  readonly #onEdit = (event: CustomEvent<OutboxEntry>): void => {
    const { text } = event.detail.input as { text: string };
    this.#fill(text);
  };

  #fill(text: string): void {
    this.renderRoot.querySelector('hive-dispatch-form')?.fill(text);
    scrollTo(0, 0);
  }

  readonly #onSettled = (event: Event): void => {
    const { entry, answer } = (event as CustomEvent<Settled>).detail;
    if (entry.id !== this._sentEntry) return;
    if (answer.kind === 'refused') announce(`Refused: ${answer.message}`);
    if (answer.kind !== 'done' || !answer.id) return;
    this._freshId = answer.id;
    navigate(dispatchPath(answer.id));
  };

  static override styles = [
    base,
    buttons,
    rows,
    css`
      hive-pending,
      hive-extractive-notice {
        margin-block-start: var(--hive-4);
      }
      .example {
        justify-content: start;
        inline-size: 100%;
        padding-inline: 0;
        border: 0;
        border-radius: 0;
        font-weight: 450;
        text-align: start;
      }
      .section-head a {
        display: inline-flex;
        align-items: center;
        min-block-size: var(--hive-target);
      }
      .section-head {
        align-items: center;
        margin-block-end: 0;
      }
    `,
  ];
}

customElements.define('hive-dispatch-view', HiveDispatchView);

declare global {
  interface HTMLElementTagNameMap {
    'hive-dispatch-view': HiveDispatchView;
  }
}
