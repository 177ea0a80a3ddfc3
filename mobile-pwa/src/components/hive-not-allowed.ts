import { css, html, LitElement, nothing } from 'lit';
import { nameRoles } from '../data/member-role.ts';
import { base } from '../styles/base.ts';

/** A place the person may not enter, with the hive's reason. Says who can change that, and offers nothing that would be refused. */
export class HiveNotAllowed extends LitElement {
  static override properties = { heading: {}, message: {} };

  declare heading: string;
  declare message: string;

  constructor() {
    super();
    this.heading = 'Not for your role';
    this.message = '';
  }

  protected override render() {
    return html`
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <path d="M12 1.6 21 6.8V17.2L12 22.4 3 17.2V6.8Z"></path>
        <path d="M8.6 11.4H15.4V16H8.6ZM9.9 11.4V9.6A2.1 2.1 0 0 1 14.1 9.6V11.4"></path>
      </svg>
      <div>
        <h2 class="title">${this.heading}</h2>
        ${this.message ? html`<p class="small muted">${nameRoles(this.message)}</p>` : nothing}
        <slot></slot>
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
        padding: var(--hive-4);
        border-radius: var(--hive-radius);
        background: var(--hive-surface);
      }
      svg {
        inline-size: var(--hive-6);
        block-size: var(--hive-6);
        fill: none;
        stroke: var(--hive-line);
        stroke-width: 1.6;
        stroke-linejoin: round;
        stroke-linecap: round;
      }
      div {
        display: grid;
        gap: var(--hive-1);
        justify-items: start;
        min-inline-size: 0;
      }
      ::slotted(*) {
        margin-block-start: var(--hive-2);
      }
    `,
  ];
}

customElements.define('hive-not-allowed', HiveNotAllowed);

declare global {
  interface HTMLElementTagNameMap {
    'hive-not-allowed': HiveNotAllowed;
  }
}
