import { html, LitElement } from 'lit';
import { base, buttons } from '../styles/base.ts';
import '../components/hive-empty.ts';
import '../components/hive-page-header.ts';

/** An address that leads nowhere. */
export class HiveMissingView extends LitElement {
  static override properties = { itemId: {} };

  declare itemId: string;

  protected override render() {
    return html`
      <hive-page-header heading="No such page"></hive-page-header>
      <hive-empty heading="Nothing at this address" text="The address may be incomplete.">
        <a class="button primary" href="/dispatch">Go to Dispatch</a>
      </hive-empty>
    `;
  }

  static override styles = [base, buttons];
}

customElements.define('hive-missing-view', HiveMissingView);

declare global {
  interface HTMLElementTagNameMap {
    'hive-missing-view': HiveMissingView;
  }
}
