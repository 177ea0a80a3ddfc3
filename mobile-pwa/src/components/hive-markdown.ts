import { css, html, LitElement, type PropertyValues } from 'lit';
import { base } from '../styles/base.ts';

/** While text streams in it is parsed at most this often; a parse of a long answer takes a few milliseconds. */
const PARSE_EVERY_MS = 120;

/** Text of an agent. Plain until the renderer has been loaded, so that words never wait for code. */
export class HiveMarkdown extends LitElement {
  static override properties = { text: {}, markers: { attribute: false } };

  declare text: string;
  /** The citation numbers that have a source below. */
  declare markers: ReadonlySet<number>;
  #parsedAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    this.text = '';
    this.markers = new Set();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.#timer);
  }

  protected override render() {
    return html`<div class="prose" @click=${this.#onClick}></div>`;
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (!changed.has('text') && !changed.has('markers')) return;
    clearTimeout(this.#timer);
    const waitMs = Math.max(0, this.#parsedAt + PARSE_EVERY_MS - performance.now());
    if (waitMs === 0) void this.#parse();
    else this.#timer = setTimeout(() => void this.#parse(), waitMs);
  }

  async #parse(): Promise<void> {
    this.#parsedAt = performance.now();
    const prose = this.renderRoot.querySelector('.prose');
    if (!prose) return;
    if (!prose.hasChildNodes()) prose.textContent = this.text;
    try {
      const { renderMarkdown } = await import('../data/markdown.ts');
      prose.replaceChildren(renderMarkdown(this.text, this.markers));
    } catch {
      // Offline, and the renderer was never loaded: the plain text is complete and readable.
      prose.textContent = this.text;
    }
  }

  readonly #onClick = (event: Event): void => {
    const button = (event.target as Element).closest<HTMLButtonElement>('.marker');
    if (!button) return;
    this.dispatchEvent(new CustomEvent<number>('cite', { detail: Number(button.dataset['marker']) }));
  };

  static override styles = [
    base,
    css`
      .prose {
        overflow-wrap: anywhere;
        white-space: pre-line;
      }
      .prose:has(p, ul, ol, h1, h2, h3, h4, pre, table, blockquote) {
        white-space: normal;
      }
      .prose > * + * {
        margin-block-start: var(--hive-3);
      }
      h1,
      h2,
      h3,
      h4,
      h5,
      h6 {
        margin-block: var(--hive-5) 0;
        color: var(--hive-ink);
        font-size: var(--hive-text-17);
        font-weight: 650;
        letter-spacing: 0;
        line-height: 1.35;
      }
      .prose > :first-child {
        margin-block-start: 0;
      }
      ul,
      ol {
        display: grid;
        gap: var(--hive-2);
        padding-inline-start: var(--hive-5);
        list-style: revert;
      }
      li > ul,
      li > ol {
        margin-block-start: var(--hive-2);
        padding-inline-start: var(--hive-4);
      }
      li::marker {
        color: var(--hive-muted);
      }
      code {
        font-family: var(--hive-mono);
        font-size: 0.88em;
      }
      :not(pre) > code {
        padding: 0.1em 0.3em;
        border-radius: var(--hive-radius-small);
        background: var(--hive-surface);
      }
      .scroll {
        overflow-x: auto;
        border-radius: var(--hive-radius);
        background: var(--hive-surface);
      }
      pre {
        margin: 0;
        padding: var(--hive-3) var(--hive-4);
        font-size: var(--hive-text-13);
        line-height: 1.5;
      }
      table {
        border-collapse: collapse;
        font-size: var(--hive-text-15);
      }
      th,
      td {
        padding: var(--hive-2) var(--hive-3);
        border-block-end: var(--hive-stroke) solid var(--hive-hairline);
        text-align: start;
      }
      blockquote {
        margin: 0;
        padding-inline-start: var(--hive-4);
        border-inline-start: var(--hive-stroke-strong) solid var(--hive-line);
        color: var(--hive-muted);
      }
      hr {
        border: 0;
        border-block-start: var(--hive-stroke) solid var(--hive-hairline);
      }
      .kept {
        white-space: nowrap;
      }
      .marker {
        min-inline-size: 1.5rem;
        min-block-size: 1.5rem;
        margin-inline: 0.1em;
        padding: 0 var(--hive-1);
        border: 0;
        border-radius: var(--hive-radius-small);
        background: var(--hive-accent-soft);
        color: var(--hive-accent);
        font: 600 var(--hive-text-12) / 1.5rem var(--hive-mono);
        vertical-align: baseline;
        cursor: pointer;
      }
    `,
  ];
}

customElements.define('hive-markdown', HiveMarkdown);

declare global {
  interface HTMLElementTagNameMap {
    'hive-markdown': HiveMarkdown;
  }
}
