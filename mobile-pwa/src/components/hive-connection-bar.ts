import { css, html, LitElement, nothing } from 'lit';
import { EventController } from '../controllers/event-controller.ts';
import { formatCount } from '../data/format.ts';
import { hive } from '../data/hive.ts';
import { base } from '../styles/base.ts';
import './hive-cell.ts';

/** Shown while there is something to know: no connection, actions that wait, actions the server refused. */
export class HiveConnectionBar extends LitElement {
  constructor() {
    super();
    new EventController(this, [hive.connection, 'change'], [hive.outbox, 'change']);
  }

  protected override render() {
    const offline = hive.connection.status === 'offline';
    const { waitingCount, refusedCount } = hive.outbox;
    if (refusedCount > 0) {
      return this.#renderBar('failed', `${formatCount(refusedCount, 'action')} refused`, 'Decide');
    }
    if (offline) {
      const queue = waitingCount > 0 ? ` · ${formatCount(waitingCount, 'action')} waiting` : '';
      const where = navigator.onLine ? 'Hive unreachable' : 'Offline';
      return this.#renderBar('offline', `${where}${queue}`, waitingCount > 0 ? 'Show' : '');
    }
    // A wait that ends within the second is not worth a bar.
    const stuck = hive.outbox.entries.some((entry) => entry.state === 'waiting' && entry.tries > 0);
    if (stuck) return this.#renderBar('queued', `${formatCount(waitingCount, 'action')} waiting`, 'Show');
    return nothing;
  }

  #renderBar(look: 'failed' | 'offline' | 'queued', text: string, action: string) {
    const content = html`<hive-cell .look=${look}></hive-cell><span>${text}</span>`;
    if (action === '') return html`<p class="bar">${content}</p>`;
    return html`<a class="bar" href="/outbox">${content}<b>${action}</b></a>`;
  }

  static override styles = [
    base,
    css`
      :host {
        --hive-cell-size: var(--hive-5);
        --hive-cell-fill: none;
      }
      .bar {
        display: flex;
        align-items: center;
        gap: var(--hive-3);
        min-block-size: var(--hive-target);
        padding-inline: max(var(--hive-4), env(safe-area-inset-left));
        border-block-start: var(--hive-stroke) solid var(--hive-hairline);
        background: var(--hive-surface);
        color: var(--hive-ink);
        font-size: var(--hive-text-15);
        text-decoration: none;
      }
      .bar:focus-visible {
        outline-offset: calc(-1 * var(--hive-1));
      }
      b {
        margin-inline-start: auto;
        color: var(--hive-accent);
        font-weight: 600;
      }
    `,
  ];
}

customElements.define('hive-connection-bar', HiveConnectionBar);

declare global {
  interface HTMLElementTagNameMap {
    'hive-connection-bar': HiveConnectionBar;
  }
}
