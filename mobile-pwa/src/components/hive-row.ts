import { css, html, LitElement, nothing } from 'lit';
import type { Look } from '../data/status-look.ts';
import { base } from '../styles/base.ts';
import './hive-cell.ts';

/** A row of a list: cell, one or two lines of text, a line of facts. The whole row is the link. */
export class HiveRow extends LitElement {
  static override properties = { href: {}, look: {}, heading: {}, detail: {}, aside: {} };

  declare href: string;
  declare look: Look;
  declare heading: string;
  declare detail: string;
  declare aside: string;

  constructor() {
    super();
    this.href = '';
    this.look = 'idle';
    this.heading = '';
    this.detail = '';
    this.aside = '';
  }

  protected override render() {
    return html`
      <a href=${this.href}>
        <hive-cell .look=${this.look}></hive-cell>
        <span class="text">
          <span class="heading">${this.heading}</span>
          <span class="facts">
            <span>${this.detail}</span>
            ${this.aside ? html`<span class="aside">${this.aside}</span>` : nothing}
          </span>
          <slot></slot>
        </span>
      </a>
    `;
  }

  static override styles = [
    base,
    css`
      a {
        display: grid;
        grid-template-columns: max-content minmax(0, 1fr);
        gap: var(--hive-3);
        padding-block: var(--hive-3);
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
        grid-template-columns: minmax(0, 1fr);
        gap: 0.125rem;
        min-inline-size: 0;
      }
      .heading {
        display: -webkit-box;
        overflow: hidden;
        font-weight: 500;
        line-height: 1.35;
        overflow-wrap: anywhere;
        -webkit-box-orient: vertical;
        -webkit-line-clamp: 2;
      }
      .facts {
        display: flex;
        flex-wrap: wrap;
        gap: 0 var(--hive-3);
        justify-content: space-between;
        color: var(--hive-muted);
        font-size: var(--hive-text-13);
      }
      .facts > :first-child {
        flex: 1 1 7rem;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .aside {
        flex: none;
      }
    `,
  ];
}

customElements.define('hive-row', HiveRow);

declare global {
  interface HTMLElementTagNameMap {
    'hive-row': HiveRow;
  }
}
