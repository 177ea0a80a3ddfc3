import { css, html, LitElement, nothing } from 'lit';
import { healthQuery, systemHealthSubscription } from '@hive/schema/operations/health.ts';
import { secretsQuery } from '@hive/schema/operations/secrets.ts';
import { EventController } from '../controllers/event-controller.ts';
import { QueryController } from '../controllers/query-controller.ts';
import { hive } from '../data/hive.ts';
import { session } from '../data/session.ts';
import { base } from '../styles/base.ts';
import '../components/hive-models.ts';
import '../components/hive-page-header.ts';
import '../components/hive-problem.ts';
import '../components/hive-skeleton.ts';

/** Which models the hive can use, and how to connect one that is missing. */
export class HiveModelsView extends LitElement {
  static override properties = { itemId: {} };

  declare itemId: string;

  readonly #health = new QueryController(this, { query: healthQuery, variables: () => ({}) });
  readonly #secrets = new QueryController(this, {
    query: secretsQuery,
    variables: () => (session.may('secret.read').allowed ? {} : undefined),
  });
  #live: { unsubscribe: () => void } | undefined;

  constructor() {
    super();
    this.itemId = '';
    new EventController(this, [session, 'change']);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    // Only while someone looks: the cache takes each frame into the query above.
    this.#live = hive.client.subscription(systemHealthSubscription, {}).subscribe(() => undefined);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#live?.unsubscribe();
  }

  protected override render() {
    const { data, error } = this.#health;
    const writing = session.may('secret.write');
    return html`
      <hive-page-header
        heading="Language models"
        back-href="/settings"
        back-label="Settings"
      ></hive-page-header>
      ${
        data
          ? html`<hive-models
              .health=${data.health}
              .secrets=${this.#secrets.data?.secrets ?? []}
              ?editable=${writing.allowed}
              @saved=${() => this.#secrets.refetch()}
            ></hive-models>`
          : error
            ? html`<hive-problem .error=${error} @retry=${() => this.#health.refetch()}></hive-problem>`
            : html`<hive-skeleton .lines=${6}></hive-skeleton>`
      }
      ${writing.allowed ? nothing : html`<p class="fine muted">Keys of providers are set by admins.</p>`}
    `;
  }

  static override styles = [
    base,
    css`
      p {
        margin-block-start: var(--hive-4);
      }
    `,
  ];
}

customElements.define('hive-models-view', HiveModelsView);

declare global {
  interface HTMLElementTagNameMap {
    'hive-models-view': HiveModelsView;
  }
}
