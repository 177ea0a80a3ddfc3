import { css, html, LitElement, nothing, type PropertyValues } from 'lit';
import { base } from '../styles/base.ts';

/** The pages before one is in: the mark, what this page is for, and which hive it belongs to. */
export class HiveDoor extends LitElement {
  static override properties = { heading: {}, lead: {} };

  declare heading: string;
  declare lead: string;

  constructor() {
    super();
    this.heading = '';
    this.lead = '';
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has('heading') && this.heading) document.title = `${this.heading} · Hive`;
  }

  protected override render() {
    return html`
      <header>
        <svg viewBox="0 0 24 24" aria-hidden="true">
          <path class="honey" d="M3 12.4H21V17.2L12 22.4 3 17.2Z"></path>
          <path d="M12 1.6 21 6.8V17.2L12 22.4 3 17.2V6.8Z"></path>
        </svg>
        <h1>${this.heading}</h1>
        ${this.lead ? html`<p class="muted">${this.lead}</p>` : nothing}
      </header>
      <slot></slot>
      <footer class="fine muted">Hive at <span class="mono">${location.host}</span></footer>
    `;
  }

  static override styles = [
    base,
    css`
      :host {
        display: flex;
        flex-direction: column;
        gap: var(--hive-6);
        max-inline-size: 26rem;
        min-block-size: calc(100dvh - var(--hive-8) - env(safe-area-inset-top) - env(safe-area-inset-bottom));
        margin-inline: auto;
        padding-block-start: clamp(var(--hive-8), 9dvh, 6rem);
      }
      header {
        display: grid;
        gap: var(--hive-2);
      }
      svg {
        inline-size: var(--hive-12);
        block-size: var(--hive-12);
        margin-block-end: var(--hive-3);
        margin-inline-start: calc(-1 * var(--hive-1));
        fill: none;
        stroke: var(--hive-accent);
        stroke-width: 1.8;
        stroke-linejoin: round;
      }
      .honey {
        fill: var(--hive-accent);
        stroke: none;
      }
      footer {
        margin-block-start: auto;
        padding-block-start: var(--hive-4);
        overflow-wrap: anywhere;
      }
    `,
  ];
}

customElements.define('hive-door', HiveDoor);

declare global {
  interface HTMLElementTagNameMap {
    'hive-door': HiveDoor;
  }
}
