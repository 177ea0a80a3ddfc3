import { css, html, LitElement, nothing, type PropertyValues } from 'lit';
import { EventController } from '../controllers/event-controller.ts';
import { session } from '../data/session.ts';
import { base } from '../styles/base.ts';
import './hive-freshness.ts';
import './hive-workspace-switcher.ts';

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
    new EventController(this, [session, 'change']);
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
                  <span>${this.backLabel}</span>
                </a>`
              : html`<svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
                    <path class="honey" d="M3 12.4H21V17.2L12 22.4 3 17.2Z"></path>
                    <path d="M12 1.6 21 6.8V17.2L12 22.4 3 17.2V6.8Z"></path>
                  </svg>
                  ${this.#renderWorkspace()}`
          }
          <hive-freshness></hive-freshness>
          <hive-workspace-switcher></hive-workspace-switcher>
        </div>
        ${this.heading ? html`<h1>${this.heading}</h1>` : nothing}
        <slot></slot>
      </header>
    `;
  }

  /** Where there is but one workspace, its name says nothing. */
  #renderWorkspace() {
    const { viewer } = session;
    if (!viewer || viewer.workspaces.length < 2) return nothing;
    return html`<span class="workspace">${viewer.workspaceName}</span>`;
  }

  static override styles = [
    base,
    css`
      header {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: var(--hive-1);
        padding-block-end: var(--hive-5);
      }
      .bar {
        display: flex;
        align-items: center;
        gap: var(--hive-2);
        min-block-size: 3.5rem;
        margin-block-end: var(--hive-1);
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
      .back {
        display: inline-flex;
        align-items: center;
        gap: var(--hive-1);
        min-block-size: var(--hive-target);
        min-inline-size: var(--hive-target);
        overflow: hidden;
        text-decoration: none;
        margin-inline-start: calc(-1 * var(--hive-2));
        padding-inline-end: var(--hive-2);
        font-size: var(--hive-text-15);
        font-weight: 550;
      }
      .back span,
      .workspace {
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .workspace {
        font-size: var(--hive-text-15);
        font-weight: 550;
      }
      .back:focus-visible {
        outline-offset: calc(-1 * var(--hive-stroke-strong));
      }
      hive-freshness,
      svg {
        flex: none;
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
