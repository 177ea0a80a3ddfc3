import { html, LitElement } from 'lit';
import { EventController } from '../controllers/event-controller.ts';
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
    `;
  }

  static override styles = [base, rows];
}

customElements.define('hive-privacy-view', HivePrivacyView);

declare global {
  interface HTMLElementTagNameMap {
    'hive-privacy-view': HivePrivacyView;
  }
}
