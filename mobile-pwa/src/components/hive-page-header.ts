import { css, html, LitElement, nothing, type PropertyValues } from 'lit';
import { base } from '../styles/base.ts';
import './hive-freshness.ts';

/** The top of every page: where one is, how current it is, the way back and the way to the settings. */
export class HivePageHeader extends LitElement {
  static override properties = {
    heading: {},
    backHref: { attribute: 'back-href' },
    backLabel: { attribute: 'back-label' },
    /** A heading that is the person's own text may be long: it is set smaller. */
    long: { type: Boolean, reflect: true },
  };

  declare heading: string;
  declare backHref: string;
  declare backLabel: string;
  declare long: boolean;

  constructor() {
    super();
    this.heading = '';
    this.backHref = '';
    this.backLabel = '';
    this.long = false;
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has('heading') && this.heading) document.title = `${this.heading.slice(0, 60)} · Hive`;
  }

  protected override render() {
    return html`
      <header>
        <div class="bar">
          ${
            this.backHref
              ? html`<a class="back" href=${this.backHref}>
                  <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M14.5 5.5 8 12l6.5 6.5"></path></svg>
                  ${this.backLabel}
                </a>`
              : html`<svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
                  <path class="honey" d="M3 12.4H21V17.2L12 22.4 3 17.2Z"></path>
                  <path d="M12 1.6 21 6.8V17.2L12 22.4 3 17.2V6.8Z"></path>
                </svg>`
          }
          <hive-freshness></hive-freshness>
          <a class="gear" href="/settings" aria-label="Settings">
            <svg viewBox="0 0 24 24" aria-hidden="true">
              <path d="M4 7h9M19 7h1M4 17h1M11 17h9"></path>
              <path
                d="M16 4.4 18.3 5.7V8.3L16 9.6 13.7 8.3V5.7ZM8 14.4 10.3 15.7V18.3L8 19.6 5.7 18.3V15.7Z"
              ></path>
            </svg>
          </a>
        </div>
        ${this.heading ? html`<h1>${this.heading}</h1>` : nothing}
        <slot></slot>
      </header>
    `;
  }

  static override styles = [
    base,
    css`
      header {
        padding-block-end: var(--hive-5);
      }
      .bar {
        display: flex;
        align-items: center;
        gap: var(--hive-2);
        min-block-size: 3.5rem;
        margin-block-end: var(--hive-2);
      }
      hive-freshness {
        margin-inline-start: auto;
      }
      h1 {
        overflow-wrap: anywhere;
      }
      :host([long]) h1 {
        font-size: var(--hive-text-20);
        line-height: 1.35;
        letter-spacing: -0.005em;
        text-wrap: pretty;
      }
      .back,
      .gear {
        display: inline-flex;
        align-items: center;
        min-block-size: var(--hive-target);
        min-inline-size: var(--hive-target);
        text-decoration: none;
      }
      .back {
        gap: var(--hive-1);
        margin-inline-start: calc(-1 * var(--hive-2));
        padding-inline-end: var(--hive-2);
        font-size: var(--hive-text-15);
        font-weight: 550;
      }
      .gear {
        justify-content: center;
        margin-inline-end: calc(-1 * var(--hive-3));
        color: var(--hive-muted);
      }
      svg {
        inline-size: var(--hive-6);
        block-size: var(--hive-6);
        fill: none;
        stroke: currentColor;
        stroke-width: 1.7;
        stroke-linecap: round;
        stroke-linejoin: round;
      }
      .mark {
        inline-size: var(--hive-8);
        block-size: var(--hive-8);
        color: var(--hive-accent);
        stroke-width: 2;
      }
      .mark .honey {
        fill: currentColor;
        stroke: none;
      }
    `,
  ];
}

customElements.define('hive-page-header', HivePageHeader);

declare global {
  interface HTMLElementTagNameMap {
    'hive-page-header': HivePageHeader;
  }
}
