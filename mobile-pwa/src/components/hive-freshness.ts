import { css, html, LitElement } from 'lit';
import { ClockController } from '../controllers/clock-controller.ts';
import { EventController } from '../controllers/event-controller.ts';
import { formatMoment } from '../data/format.ts';
import { hive } from '../data/hive.ts';
import { base } from '../styles/base.ts';

const CLOCK_MS = 30_000;

/** Says how current the page is: "Live", or the moment up to which it is known to be true. */
export class HiveFreshness extends LitElement {
  constructor() {
    super();
    new EventController(this, [hive.connection, 'change']);
    new ClockController(this, () => CLOCK_MS);
  }

  protected override render() {
    const { status, lastLiveAt } = hive.connection;
    if (status === 'live') return html`<span class="live"><i></i>Live</span>`;
    if (lastLiveAt === null) return html`<span>${status === 'offline' ? 'Offline' : 'Connecting'}</span>`;
    return html`<span>As of ${formatMoment(lastLiveAt, Date.now())}</span>`;
  }

  static override styles = [
    base,
    css`
      :host {
        display: inline-block;
        color: var(--hive-muted);
        font-size: var(--hive-text-13);
        white-space: nowrap;
      }
      span {
        display: inline-flex;
        align-items: center;
        gap: var(--hive-2);
      }
      i {
        inline-size: var(--hive-2);
        block-size: var(--hive-2);
        background: var(--hive-done);
        clip-path: polygon(50% 0, 100% 25%, 100% 75%, 50% 100%, 0 75%, 0 25%);
      }
    `,
  ];
}

customElements.define('hive-freshness', HiveFreshness);

declare global {
  interface HTMLElementTagNameMap {
    'hive-freshness': HiveFreshness;
  }
}
