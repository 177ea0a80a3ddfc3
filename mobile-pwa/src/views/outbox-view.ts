import { css, html, LitElement } from 'lit';
import { EventController } from '../controllers/event-controller.ts';
import { hive } from '../data/hive.ts';
import { base, buttons } from '../styles/base.ts';
import '../components/hive-empty.ts';
import '../components/hive-page-header.ts';
import '../components/hive-pending.ts';

/** Everything the person did that the hive has not answered yet. */
export class HiveOutboxView extends LitElement {
  static override properties = { itemId: {} };

  declare itemId: string;

  constructor() {
    super();
    this.itemId = '';
    new EventController(this, [hive.outbox, 'change'], [hive.connection, 'change']);
  }

  protected override render() {
    const { entries, waitingCount } = hive.outbox;
    return html`
      <hive-page-header heading="Outbox"></hive-page-header>
      ${
        entries.length === 0
          ? html`<hive-empty
              heading="Everything is sent"
              text="What you do without a connection waits here and is sent by itself, in order, exactly once."
            ></hive-empty>`
          : html`
              <p class="small muted">
                Kept on this phone until the hive has answered. Each is sent by itself, in order, exactly
                once.
              </p>
              <hive-pending all></hive-pending>
              ${waitingCount > 0 && hive.connection.status !== 'offline' ? html`<button @click=${() => hive.outbox.kick()}>Send now</button>` : ''}
            `
      }
    `;
  }

  static override styles = [
    base,
    buttons,
    css`
      hive-pending {
        margin-block: var(--hive-4);
      }
    `,
  ];
}

customElements.define('hive-outbox-view', HiveOutboxView);

declare global {
  interface HTMLElementTagNameMap {
    'hive-outbox-view': HiveOutboxView;
  }
}
