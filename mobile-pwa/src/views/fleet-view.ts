import { css, html, LitElement } from 'lit';
import { agentsQuery } from '@hive/schema/operations/agents.ts';
import type { ResultOf } from '@hive/schema/operations/graphql.ts';
import type { FleetAgent } from '../components/hive-honeycomb.ts';
import { PagedController } from '../controllers/paged-controller.ts';
import { formatCount } from '../data/format.ts';
import { describeRole } from '../data/role.ts';
import { statusLook } from '../data/status-look.ts';
import { agentPath } from '../routes.ts';
import { base, buttons, rows } from '../styles/base.ts';
import '../components/hive-empty.ts';
import '../components/hive-filter.ts';
import '../components/hive-honeycomb.ts';
import '../components/hive-more.ts';
import '../components/hive-page-header.ts';
import '../components/hive-problem.ts';
import '../components/hive-row.ts';
import '../components/hive-skeleton.ts';

type Layout = 'comb' | 'list';

const LAYOUT_KEY = 'hive-fleet-layout';
const LAYOUTS = [
  { value: 'comb', label: 'Comb' },
  { value: 'list', label: 'List' },
];

/** Who works here, and what state everyone is in right now. */
export class HiveFleetView extends LitElement {
  static override properties = { itemId: {}, _layout: { state: true } };

  declare itemId: string;
  declare _layout: Layout;

  readonly #agents = new PagedController(this, {
    query: agentsQuery,
    variables: () => ({ where: null }),
    connection: (data: ResultOf<typeof agentsQuery>) => data.agents,
    belongs: ({ subject }) => (subject?.__typename === 'Agent' ? true : undefined),
    pageSize: 60,
  });

  constructor() {
    super();
    this.itemId = '';
    this._layout = localStorage.getItem(LAYOUT_KEY) === 'list' ? 'list' : 'comb';
  }

  protected override render() {
    return html`
      <hive-page-header heading="Fleet"></hive-page-header>
      ${this.#agents.nodes.length > 0 ? this.#renderAgents() : this.#renderNone()}
    `;
  }

  #renderNone() {
    const { error, loading } = this.#agents;
    if (error)
      return html`<hive-problem .error=${error} @retry=${() => this.#agents.refetch()}></hive-problem>`;
    if (loading) return html`<hive-skeleton .lines=${5}></hive-skeleton>`;
    return html`<hive-empty
      heading="No agents yet"
      text="The server brings a starter crew when it starts. If it is missing, look at the server's health in the settings."
    >
      <a class="button" href="/settings">Open settings</a>
    </hive-empty>`;
  }

  #renderAgents() {
    // The order they joined in, which their ids carry: a cell stays where it is when another one is added.
    const agents = this.#agents.nodes.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    return html`
      <div class="head">
        <p class="small muted">${summarise(agents, this.#agents.totalCount)}</p>
        <hive-filter
          label="Layout"
          .options=${LAYOUTS}
          .value=${this._layout}
          @choose=${this.#onLayout}
        ></hive-filter>
      </div>
      ${
        this._layout === 'comb'
          ? html`<hive-honeycomb .agents=${agents}></hive-honeycomb>`
          : html`<ul class="rows">
              ${agents.map((agent) => html`<li>${agentRow(agent)}</li>`)}
            </ul>`
      }
      <hive-more
        .more=${this.#agents.hasMore}
        .loading=${this.#agents.loadingMore}
        @more=${() => this.#agents.loadMore()}
      ></hive-more>
    `;
  }

  readonly #onLayout = (event: CustomEvent<string>): void => {
    this._layout = event.detail === 'list' ? 'list' : 'comb';
    localStorage.setItem(LAYOUT_KEY, this._layout);
  };

  static override styles = [
    base,
    buttons,
    rows,
    css`
      .head {
        display: flex;
        align-items: center;
        justify-content: space-between;
        gap: var(--hive-4);
        margin-block: calc(-1 * var(--hive-3)) var(--hive-4);
      }
    `,
  ];
}

function summarise(agents: readonly FleetAgent[], totalCount: number | undefined): string {
  const working = agents.filter((agent) => agent.status === 'BUSY').length;
  const troubled = agents.filter((agent) => agent.status === 'ERROR' || agent.status === 'OFFLINE').length;
  const parts = [formatCount(totalCount ?? agents.length, 'agent'), `${working} working`];
  if (troubled > 0) parts.push(`${troubled} out of action`);
  return parts.join(' · ');
}

function agentRow(agent: FleetAgent) {
  const { look, label } = statusLook(agent.status);
  return html`<hive-row
    .href=${agentPath(agent.id)}
    .look=${look}
    .heading=${agent.name}
    .detail=${[label, describeRole(agent)].filter(Boolean).join(' · ')}
    .aside=${`${agent.activeTaskCount}/${agent.maxConcurrency}`}
  ></hive-row>`;
}

customElements.define('hive-fleet-view', HiveFleetView);

declare global {
  interface HTMLElementTagNameMap {
    'hive-fleet-view': HiveFleetView;
  }
}
