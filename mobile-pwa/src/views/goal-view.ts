import { html, LitElement } from 'lit';
import { goalQuery } from '@hive/schema/operations/goals.ts';
import { QueryController } from '../controllers/query-controller.ts';
import { concernsGoal } from '../data/event-concerns.ts';
import { base } from '../styles/base.ts';
import '../components/hive-empty.ts';
import '../components/hive-goal-run.ts';
import '../components/hive-page-header.ts';
import '../components/hive-problem.ts';
import '../components/hive-skeleton.ts';

/** One goal, whenever it was dispatched. */
export class HiveGoalView extends LitElement {
  static override properties = { itemId: {} };

  declare itemId: string;

  readonly #goal = new QueryController(this, {
    query: goalQuery,
    variables: () => (this.itemId ? { id: this.itemId } : undefined),
    refetchOn: (event) => concernsGoal(event, this.itemId),
  });

  constructor() {
    super();
    this.itemId = '';
  }

  protected override render() {
    const { data, error, answered } = this.#goal;
    const goal = data?.goal;
    return html`
      <hive-page-header
        .heading=${goal?.text ?? (answered ? 'No such goal' : '')}
        long
        back-href="/work"
        back-label="Work"
      ></hive-page-header>
      ${
        goal
          ? html`<hive-goal-run .goal=${goal}></hive-goal-run>`
          : error
            ? html`<hive-problem .error=${error} @retry=${() => this.#goal.refetch()}></hive-problem>`
            : answered
              ? html`<hive-empty
                  heading="Nothing at this address"
                  text="It may belong to another hive, or the address is incomplete."
                ></hive-empty>`
              : html`<hive-skeleton .lines=${5}></hive-skeleton>`
      }
    `;
  }

  static override styles = [base];
}

customElements.define('hive-goal-view', HiveGoalView);

declare global {
  interface HTMLElementTagNameMap {
    'hive-goal-view': HiveGoalView;
  }
}
