import { html, LitElement, nothing } from 'lit';
import { retentionQuery } from '@hive/schema/operations/retention.ts';
import { EventController } from '../controllers/event-controller.ts';
import { QueryController } from '../controllers/query-controller.ts';
import { session } from '../data/session.ts';
import { base, rows } from '../styles/base.ts';
import '../components/hive-not-allowed.ts';
import '../components/hive-page-header.ts';
import '../components/hive-person-data.ts';
import '../components/hive-skeleton.ts';

/** What the hive keeps about whoever looks, and the way to take or end it. */
export class HivePrivacyView extends LitElement {
  static override properties = { itemId: {} };

  declare itemId: string;

  readonly #retention = new QueryController(this, { query: retentionQuery, variables: () => ({}) });

  constructor() {
    super();
    this.itemId = '';
    new EventController(this, [session, 'change']);
  }

  protected override render() {
    const { viewer } = session;
    return html`
      <hive-page-header heading="Privacy" back-href="/settings" back-label="Settings"></hive-page-header>
      ${
        viewer?.person
          ? html`<hive-person-data own .person=${viewer.person}></hive-person-data>`
          : viewer
            ? html`<hive-not-allowed
                heading="Nobody to know anything about"
                message="The hive has no account yet, so it keeps nothing about a person."
              ></hive-not-allowed>`
            : html`<hive-skeleton .lines=${4}></hive-skeleton>`
      }
      ${this.#renderRetention()}
    `;
  }

  #renderRetention() {
    const kept = this.#retention.data?.retention;
    if (!kept) return nothing;
    return html`
      <section class="section">
        <h2>How long things are kept</h2>
        <dl class="facts">
          <dt>Events</dt>
          <dd>${days(kept.eventDays)}</dd>
          <dt>Audit trail</dt>
          <dd>${days(kept.auditDays)}</dd>
          <dt>Addresses and devices in it</dt>
          <dd>${days(kept.addressDays)}</dd>
          <dt>Unused sessions</dt>
          <dd>${days(kept.sessionDays)}</dd>
        </dl>
        <p class="fine muted">Set by whoever runs the hive, for all its workspaces.</p>
      </section>
    `;
  }

  static override styles = [base, rows];
}

function days(count: number | null): string {
  if (count === null) return 'For ever';
  return count === 1 ? '1 day' : `${count} days`;
}

customElements.define('hive-privacy-view', HivePrivacyView);

declare global {
  interface HTMLElementTagNameMap {
    'hive-privacy-view': HivePrivacyView;
  }
}
