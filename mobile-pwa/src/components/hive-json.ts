import { css, html, LitElement, type TemplateResult } from 'lit';
import { base } from '../styles/base.ts';

/** Deeper than anything the hive records; what lies below is shown as text. */
const MAX_DEPTH = 6;

/** Data of unknown shape as a list of names and values that fits a phone. */
export class HiveJson extends LitElement {
  static override properties = { value: { attribute: false } };

  declare value: unknown;

  protected override render() {
    return renderValue(this.value, 0);
  }

  static override styles = [
    base,
    css`
      .mono {
        font-size: inherit;
      }
      dl {
        display: grid;
        grid-template-columns: minmax(0, max-content) minmax(0, 1fr);
        gap: var(--hive-1) var(--hive-3);
        font-size: var(--hive-text-13);
        line-height: 1.5;
      }
      dt {
        color: var(--hive-muted);
        overflow-wrap: anywhere;
      }
      dd {
        min-inline-size: 0;
        overflow-wrap: anywhere;
      }
      dd > dl,
      dd > ol {
        grid-column: 1 / -1;
      }
      dd.nested {
        grid-column: 1 / -1;
        padding-inline-start: var(--hive-3);
        border-inline-start: var(--hive-stroke-strong) solid var(--hive-hairline);
      }
      ol {
        display: grid;
        gap: var(--hive-1);
        font-size: var(--hive-text-13);
      }
      .none {
        color: var(--hive-muted);
      }
    `,
  ];
}

function renderValue(value: unknown, depth: number): TemplateResult {
  if (value === null || value === undefined) return html`<span class="none">none</span>`;
  if (depth >= MAX_DEPTH) return html`<span class="mono">${JSON.stringify(value)}</span>`;
  if (Array.isArray(value)) {
    if (value.length === 0) return html`<span class="none">empty</span>`;
    return html`<ol>
      ${value.map((item) => html`<li>${renderValue(item, depth + 1)}</li>`)}
    </ol>`;
  }
  if (typeof value === 'object') {
    const fields = Object.entries(value);
    if (fields.length === 0) return html`<span class="none">nothing more</span>`;
    return html`<dl>
      ${fields.map(
        ([name, field]) =>
          html`<dt class="mono">${name}</dt>
            <dd class=${isNested(field) ? 'nested' : ''}>${renderValue(field, depth + 1)}</dd>`,
      )}
    </dl>`;
  }
  return html`<span class="mono">${typeof value === 'string' ? value : JSON.stringify(value)}</span>`;
}

function isNested(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}

customElements.define('hive-json', HiveJson);

declare global {
  interface HTMLElementTagNameMap {
    'hive-json': HiveJson;
  }
}
