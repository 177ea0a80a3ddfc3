import { html, LitElement } from 'lit';
import { base } from '../styles/base.ts';
import '../components/hive-page-header.ts';
import '../components/hive-projects.ts';

/** The folders the hive may read. */
export class HiveProjectsView extends LitElement {
  static override properties = { itemId: {} };

  declare itemId: string;

  protected override render() {
    return html`
      <hive-page-header heading="Projects" back-href="/settings" back-label="Settings"></hive-page-header>
      <hive-projects></hive-projects>
    `;
  }

  static override styles = [base];
}

customElements.define('hive-projects-view', HiveProjectsView);

declare global {
  interface HTMLElementTagNameMap {
    'hive-projects-view': HiveProjectsView;
  }
}
