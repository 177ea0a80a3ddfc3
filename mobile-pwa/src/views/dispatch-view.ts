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
import type { Settled } from '../data/outbox.ts';
import type { OutboxEntry } from '../data/outbox-entry.ts';
import { statusLook } from '../data/status-look.ts';
import { navigate } from '../navigation.ts';
import { dispatchPath, goalPath } from '../routes.ts';
import { base, buttons, rows } from '../styles/base.ts';
import '../components/hive-dispatch-form.ts';
import '../components/hive-extractive-notice.ts';
import '../components/hive-goal-run.ts';
import '../components/hive-page-header.ts';
import '../components/hive-pending.ts';
import '../components/hive-problem.ts';
import '../components/hive-row.ts';
import '../components/hive-skeleton.ts';

/** The front door: give the hive a goal, and watch its plan grow and run in the same place. */
export class HiveDispatchView extends LitElement {
  static override properties = { itemId: {}, _sentEntry: { state: true }, _freshId: { state: true } };

  /** The goal to show; empty for the form. */
  declare itemId: string;
  /** The dispatch made here: when its goal exists, the page goes on with it. */
  declare _sentEntry: string | undefined;
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
    new EventController(this, [hive.outbox, 'change']);
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
  }

  protected override render() {
    return this.itemId ? this.#renderGoal() : this.#renderForm();
  }

  #renderForm() {
    const projects = this.#projects.data?.projects.edges.map(({ node }) => node) ?? [];
    const noModel = this.#health.data?.health.languageModelConnected === false;
    return html`
      <hive-page-header heading="What should the hive do?"></hive-page-header>
      <hive-dispatch-form
        .projects=${projects}
        .projectsKnown=${this.#projects.data !== undefined}
        @dispatched=${this.#onDispatched}
      ></hive-dispatch-form>
      <hive-pending entity="goal:new" editable @edit=${this.#onEdit}></hive-pending>
      ${noModel ? html`<hive-extractive-notice upcoming></hive-extractive-notice>` : nothing}
      ${this.#renderRecent()}
    `;
  }

  #renderRecent() {
    const { data, error, loading } = this.#recent;
    const goals = data?.goals.edges.map(({ node }) => node) ?? [];
    if (error && !data)
      return html`<hive-problem .error=${error} @retry=${() => this.#recent.refetch()}></hive-problem>`;
    if (loading) return html`<hive-skeleton .lines=${3}></hive-skeleton>`;
    if (goals.length === 0) return nothing;
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

  #renderGoal() {
    const { data, error } = this.#goal;
    const goal = data?.goal;
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

  readonly #onDispatched = (event: CustomEvent<string>): void => {
    this._sentEntry = event.detail;
  };

  readonly #onEdit = (event: CustomEvent<OutboxEntry>): void => {
    const { text } = event.detail.input as { text: string };
    this.renderRoot.querySelector('hive-dispatch-form')?.fill(text);
  };

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
