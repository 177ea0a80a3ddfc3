import { css, html, LitElement, nothing } from 'lit';
import { base } from '../styles/base.ts';

/** A way into a page of the settings: what it is, and what one finds there. */
export class HiveEntry extends LitElement {
  static override properties = { href: {}, heading: {}, detail: {} };

  declare href: string;
  declare heading: string;
  declare detail: string;

  constructor() {
    super();
    this.href = '';
    this.heading = '';
    this.detail = '';
  }

  protected override render() {
    return html`
      <a href=${this.href}>
        <slot></slot>
        <span class="text">
          <span class="heading">${this.heading}</span>
          ${this.detail ? html`<span class="fine muted">${this.detail}</span>` : nothing}
        </span>
        <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M9.5 5.5 16 12l-6.5 6.5"></path></svg>
      </a>
    `;
  }

  static override styles = [
    base,
    css`
      a {
        display: flex;
        align-items: center;
        gap: var(--hive-3);
        min-block-size: var(--hive-12);
        padding-block: var(--hive-2);
        color: inherit;
        text-decoration: none;
      }
      a:focus-visible {
        outline-offset: 0;
      }
      @media (hover: hover) {
        a:hover .heading {
          color: var(--hive-accent);
        }
      }
      .text {
        display: grid;
        flex: 1;
        min-inline-size: 0;
        overflow-wrap: anywhere;
      }
      .heading {
        font-weight: 500;
        line-height: 1.35;
      }
      svg {
        flex: none;
        inline-size: var(--hive-5);
        block-size: var(--hive-5);
        fill: none;
        stroke: var(--hive-muted);
        stroke-width: 1.7;
        stroke-linecap: round;
        stroke-linejoin: round;
      }
    `,
  ];
}

customElements.define('hive-entry', HiveEntry);

declare global {
  interface HTMLElementTagNameMap {
    'hive-entry': HiveEntry;
  }
}
