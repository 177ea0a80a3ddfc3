import { css, html, LitElement } from 'lit';
import { base } from '../styles/base.ts';

export interface FilterOption {
  value: string;
  label: string;
}

/** One of a few, as native radio buttons in a row. Fires `choose` with the value. */
export class HiveFilter extends LitElement {
  static override properties = { label: {}, options: { attribute: false }, value: {} };

  declare label: string;
  declare options: readonly FilterOption[];
  declare value: string;

  constructor() {
    super();
    this.label = '';
    this.options = [];
    this.value = '';
  }

  protected override render() {
    return html`
      <fieldset>
        <legend class="hidden-text">${this.label}</legend>
        ${this.options.map(
          ({ value, label }) => html`
            <label>
              <input
                type="radio"
                name="filter"
                value=${value}
                .checked=${value === this.value}
                @change=${this.#onChange}
              />
              <span>${label}</span>
            </label>
          `,
        )}
      </fieldset>
    `;
  }

  readonly #onChange = (event: Event): void => {
    const { value } = event.target as HTMLInputElement;
    this.dispatchEvent(new CustomEvent<string>('choose', { detail: value }));
  };

  static override styles = [
    base,
    css`
      fieldset {
        display: flex;
        gap: var(--hive-1);
        min-inline-size: 0;
        margin: 0 calc(-1 * var(--hive-4));
        padding: 0 var(--hive-4);
        border: 0;
        overflow-x: auto;
        scrollbar-width: none;
      }
      label {
        position: relative;
        display: flex;
        align-items: center;
        min-block-size: var(--hive-target);
        cursor: pointer;
      }
      input {
        position: absolute;
        inset: 0;
        margin: 0;
        opacity: 0;
        pointer-events: none;
      }
      span {
        padding: var(--hive-2) var(--hive-3);
        border-radius: var(--hive-radius);
        color: var(--hive-muted);
        font-size: var(--hive-text-15);
        line-height: 1.2;
        white-space: nowrap;
      }
      input:checked + span {
        background: var(--hive-surface);
        color: var(--hive-ink);
        font-weight: 600;
        box-shadow: inset 0 0 0 var(--hive-stroke) var(--hive-hairline);
      }
      input:focus-visible + span {
        outline: var(--hive-stroke-strong) solid var(--hive-accent);
        outline-offset: calc(-1 * var(--hive-stroke-strong));
      }
    `,
  ];
}

customElements.define('hive-filter', HiveFilter);

declare global {
  interface HTMLElementTagNameMap {
    'hive-filter': HiveFilter;
  }
}
