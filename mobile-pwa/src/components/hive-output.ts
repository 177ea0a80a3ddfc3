import { css, html, LitElement, nothing } from 'lit';
import type { ResultOf } from '@hive/schema/operations/graphql.ts';
import type { outputFragment } from '@hive/schema/operations/tasks.ts';
import { formatPlace } from '../data/format.ts';
import { base, rows } from '../styles/base.ts';
import './hive-extractive-notice.ts';
import './hive-markdown.ts';

type Output = ResultOf<typeof outputFragment>;
type Citation = Output['citations'][number];

/** More sources than this are folded away: a long answer can have a hundred. */
const SHOWN_SOURCES = 8;

/** A result: the text, how it came about, and the place each sentence comes from. */
export class HiveOutput extends LitElement {
  static override properties = { output: { attribute: false } };

  declare output: Output | undefined;

  protected override render() {
    const { output } = this;
    if (!output) return nothing;
    const citations = output.citations.toSorted((a, b) => a.marker - b.marker);
    return html`
      <h2 class="hidden-text">Result</h2>
      ${output.extractive ? html`<hive-extractive-notice .notice=${output.notice ?? ''}></hive-extractive-notice>` : nothing}
      <hive-markdown
        .text=${output.text}
        .markers=${new Set(citations.map((citation) => citation.marker))}
        @cite=${this.#onCite}
      ></hive-markdown>
      ${
        !output.extractive
          ? html`<p class="fine muted origin">
              By <span class="mono">${output.model ?? output.provider}</span>
            </p>`
          : nothing
      }
      ${
        citations.length > 0
          ? html`
              <details class="fold sources" ?open=${citations.length <= SHOWN_SOURCES}>
                <summary>
                  <h2>Sources</h2>
                  <span class="fine muted">${citations.length}</span>
                </summary>
                <ol>
                  ${citations.map((citation) => this.#renderCitation(citation))}
                </ol>
              </details>
            `
          : nothing
      }
    `;
  }

  #renderCitation(citation: Citation) {
    const { marker, path, url, startLine, endLine, quote } = citation;
    const place = path === null ? (url ?? '') : formatPlace(path, startLine, endLine);
    return html`
      <li>
        <details id=${`source-${marker}`}>
          <summary>
            <span class="number mono">${marker}</span>
            <span class="place mono">${place}</span>
          </summary>
          <blockquote>${quote}</blockquote>
          ${
            // What a model or a page called its source need not be a page.
            path === null && url !== null && /^https?:\/\//i.test(url)
              ? html`<p class="fine">
                  <a href=${url} target="_blank" rel="noopener noreferrer">Open the page</a>
                </p>`
              : nothing
          }
        </details>
      </li>
    `;
  }

  readonly #onCite = (event: CustomEvent<number>): void => {
    const source = this.renderRoot.querySelector<HTMLDetailsElement>(`#source-${event.detail}`);
    if (!source) return;
    const all = source.closest<HTMLDetailsElement>('.sources');
    if (all) all.open = true;
    source.open = true;
    source.scrollIntoView({ block: 'center', behavior: 'smooth' });
    source.querySelector('summary')?.focus({ preventScroll: true });
  };

  static override styles = [
    base,
    rows,
    css`
      hive-extractive-notice {
        margin-block-end: var(--hive-4);
      }
      .origin {
        margin-block-start: var(--hive-4);
      }
      .sources {
        margin-block-start: var(--hive-5);
      }
      li {
        border-block-end: var(--hive-stroke) solid var(--hive-hairline);
      }
      li summary {
        display: flex;
        align-items: center;
        gap: var(--hive-3);
        min-block-size: var(--hive-target);
        padding-block: var(--hive-1);
        cursor: pointer;
        list-style: none;
      }
      li summary::-webkit-details-marker {
        display: none;
      }
      .number {
        flex: none;
        min-inline-size: 1.5rem;
        border-radius: var(--hive-radius-small);
        background: var(--hive-accent-soft);
        color: var(--hive-accent);
        font-size: var(--hive-text-12);
        font-weight: 600;
        line-height: 1.5rem;
        text-align: center;
      }
      .place {
        font-size: var(--hive-text-13);
        overflow-wrap: anywhere;
      }
      blockquote {
        margin: 0 0 var(--hive-3);
        padding: var(--hive-3) var(--hive-4);
        border-radius: var(--hive-radius);
        background: var(--hive-surface);
        font: var(--hive-text-13) / 1.55 var(--hive-mono);
        overflow-wrap: anywhere;
        white-space: pre-wrap;
      }
    `,
  ];
}

customElements.define('hive-output', HiveOutput);

declare global {
  interface HTMLElementTagNameMap {
    'hive-output': HiveOutput;
  }
}
