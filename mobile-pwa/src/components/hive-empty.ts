import { css, html, LitElement } from 'lit';
import { base } from '../styles/base.ts';

/** An empty place: what belongs here, and what to do so that something is. */
export class HiveEmpty extends LitElement {
  static override properties = { heading: {}, text: {} };

  declare heading: string;
  declare text: string;

  constructor() {
    super();
    this.heading = '';
    this.text = '';
  }

  protected override render() {
    return html`
      <svg viewBox="0 0 74 66" aria-hidden="true">
        <path d="M19 2 35 11.2V29.6L19 38.8 3 29.6V11.2Z"></path>
        <path d="M55 2 71 11.2V29.6L55 38.8 39 29.6V11.2Z"></path>
        <path class="next" d="M37 33.2 50 40.7V55.7L37 63.2 24 55.7V40.7Z"></path>
      </svg>
      <h2 class="title">${this.heading}</h2>
      <p class="small muted">${this.text}</p>
      <slot></slot>
    `;
  }

  static override styles = [
    base,
    css`
      :host {
        display: grid;
        justify-items: center;
        gap: var(--hive-2);
        padding: var(--hive-10) var(--hive-4);
        text-align: center;
      }
      svg {
        inline-size: 5.5rem;
        margin-block-end: var(--hive-3);
        fill: none;
        stroke: var(--hive-line);
        stroke-width: 1.5;
        stroke-linejoin: round;
      }
      .next {
        stroke: var(--hive-accent);
        stroke-dasharray: 3 3.4;
      }
      p {
        max-inline-size: 22rem;
        text-wrap: balance;
      }
      ::slotted(*) {
        margin-block-start: var(--hive-3);
      }
    `,
  ];
}

customElements.define('hive-empty', HiveEmpty);

declare global {
  interface HTMLElementTagNameMap {
    'hive-empty': HiveEmpty;
  }
}
