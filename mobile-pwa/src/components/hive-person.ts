import { css, html, LitElement } from 'lit';
import { initials } from '../data/initials.ts';

/** A person as a comb cell with their initials. For the eye only: the name always stands beside it. */
export class HivePerson extends LitElement {
  static override properties = { name: {} };

  declare name: string;

  constructor() {
    super();
    this.name = '';
  }

  protected override render() {
    return html`
      <svg viewBox="0 0 40 40" aria-hidden="true">
        <path d="M20 2 35.6 11V29L20 38 4.4 29V11Z"></path>
        <text x="20" y="20.5">${initials(this.name)}</text>
      </svg>
    `;
  }

  static override styles = css`
    :host {
      display: inline-block;
      flex: none;
      inline-size: var(--hive-person-size, var(--hive-8));
      block-size: var(--hive-person-size, var(--hive-8));
    }
    svg {
      display: block;
      inline-size: 100%;
      block-size: 100%;
    }
    path {
      fill: var(--hive-accent-soft);
      stroke: var(--hive-accent);
      stroke-width: 1.6;
      stroke-linejoin: round;
    }
    text {
      fill: var(--hive-ink);
      font: 600 13px/1 var(--hive-sans);
      text-anchor: middle;
      dominant-baseline: central;
    }
  `;
}

customElements.define('hive-person', HivePerson);

declare global {
  interface HTMLElementTagNameMap {
    'hive-person': HivePerson;
  }
}
