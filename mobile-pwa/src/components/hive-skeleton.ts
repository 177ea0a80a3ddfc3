import { css, html, LitElement } from 'lit';
import { base } from '../styles/base.ts';

/** The shape of what is coming; shows itself only when waiting has become noticeable. */
export class HiveSkeleton extends LitElement {
  static override properties = { lines: { type: Number } };

  declare lines: number;

  constructor() {
    super();
    this.lines = 4;
  }

  protected override render() {
    return html`
      <p class="hidden-text">Loading</p>
      <div aria-hidden="true">${Array.from({ length: this.lines }, () => html`<i></i><b></b>`)}</div>
    `;
  }

  static override styles = [
    base,
    css`
      div {
        display: grid;
        grid-template-columns: var(--hive-6) 1fr;
        gap: var(--hive-6) var(--hive-3);
        padding-block: var(--hive-3);
        opacity: 0;
        animation: appear var(--hive-medium) 150ms forwards;
      }
      i {
        block-size: var(--hive-6);
        background: var(--hive-surface);
        clip-path: polygon(50% 0, 100% 25%, 100% 75%, 50% 100%, 0 75%, 0 25%);
      }
      b {
        block-size: var(--hive-5);
        border-radius: var(--hive-radius-small);
        background: var(--hive-surface);
      }
      b:nth-of-type(3n + 2) {
        inline-size: 72%;
      }
      b:nth-of-type(3n) {
        inline-size: 86%;
      }
      @keyframes appear {
        to {
          opacity: 1;
        }
      }
    `,
  ];
}

customElements.define('hive-skeleton', HiveSkeleton);

declare global {
  interface HTMLElementTagNameMap {
    'hive-skeleton': HiveSkeleton;
  }
}
