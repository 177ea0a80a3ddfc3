import { css, html, LitElement } from 'lit';
import { splitNotice } from '../data/extractive-notice.ts';
import { base } from '../styles/base.ts';

/** Says that no language model took part, what that means, and how to change it. */
export class HiveExtractiveNotice extends LitElement {
  static override properties = { notice: {}, upcoming: { type: Boolean } };

  /** The server's own words on how the text was made. */
  declare notice: string;
  /** The answer is still to come. */
  declare upcoming: boolean;

  constructor() {
    super();
    this.notice = '';
    this.upcoming = false;
  }

  protected override render() {
    const { heading, detail } = splitNotice(this.notice);
    return html`
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <path d="M12 1.6 21 6.8V17.2L12 22.4 3 17.2V6.8Z"></path>
        <path d="M8 9.5H16M8 12.5H16M8 15.5H12.5"></path>
      </svg>
      <div>
        <p class="small"><strong>${heading}</strong></p>
        <p class="fine muted">
          ${
            this.upcoming
              ? 'Answers will be sentences taken from your files, each with its source.'
              : 'Sentences taken from the sources, not written by a model.'
          }
        </p>
        ${
          detail && !this.upcoming
            ? html`<details>
                <summary class="fine">How to connect a model</summary>
                <p class="fine">${detail}</p>
                <a class="fine" href="/settings/models">All models and where they were looked for</a>
              </details>`
            : html`<a class="fine" href="/settings/models">Connect a model</a>`
        }
      </div>
    `;
  }

  static override styles = [
    base,
    css`
      :host {
        display: grid;
        grid-template-columns: max-content minmax(0, 1fr);
        gap: var(--hive-3);
        padding: var(--hive-3) var(--hive-4);
        border-radius: var(--hive-radius);
        background: var(--hive-surface);
      }
      svg {
        inline-size: var(--hive-6);
        block-size: var(--hive-6);
        fill: none;
        stroke: var(--hive-muted);
        stroke-width: 1.6;
        stroke-linejoin: round;
        stroke-linecap: round;
      }
      strong {
        font-weight: 600;
      }
      summary {
        display: inline-flex;
        align-items: center;
        min-block-size: var(--hive-target);
        color: var(--hive-accent);
        text-decoration: underline;
        text-underline-offset: 0.18em;
        cursor: pointer;
      }
      details:not([open]) {
        margin-block-end: calc(-1 * var(--hive-2));
      }
      a {
        display: inline-block;
        padding-block: var(--hive-1);
      }
    `,
  ];
}

customElements.define('hive-extractive-notice', HiveExtractiveNotice);

declare global {
  interface HTMLElementTagNameMap {
    'hive-extractive-notice': HiveExtractiveNotice;
  }
}
