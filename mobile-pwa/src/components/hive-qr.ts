import { css, html, LitElement, svg, type PropertyValues } from 'lit';
import { qrFromSvg, type QrDrawing } from '../data/qr-drawing.ts';
import { base } from '../styles/base.ts';

/**
 * A QR code, from the drawing the hive sends or from a text that must not leave this page. Dark on light in both
 * appearances: not every camera reads the inverse.
 */
export class HiveQr extends LitElement {
  static override properties = {
    drawing: { attribute: false },
    text: { attribute: false },
    label: {},
    _drawing: { state: true },
  };

  /** SVG as the hive drew it; only its shape is taken from it. */
  declare drawing: string;
  declare text: string;
  declare label: string;
  declare _drawing: QrDrawing | undefined;

  constructor() {
    super();
    this.drawing = '';
    this.text = '';
    this.label = 'QR code';
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('drawing') && this.drawing) this._drawing = qrFromSvg(this.drawing);
    if (changed.has('text') && this.text) void this.#draw(this.text);
  }

  protected override render() {
    if (!this._drawing) return html`<div class="code" aria-hidden="true"></div>`;
    const { size, path } = this._drawing;
    return html`
      <svg class="code" viewBox=${`0 0 ${size} ${size}`} role="img" aria-label=${this.label}>
        ${svg`<path d=${path}></path>`}
      </svg>
    `;
  }

  async #draw(text: string): Promise<void> {
    const { qrFromText } = await import('../data/qr-from-text.ts');
    if (text === this.text) this._drawing = qrFromText(text);
  }

  static override styles = [
    base,
    css`
      .code {
        display: block;
        inline-size: min(100%, 17rem);
        aspect-ratio: 1;
        margin-inline: auto;
        border-radius: var(--hive-radius);
        background: var(--hive-code-paper);
        fill: var(--hive-code-ink);
        shape-rendering: crispEdges;
      }
    `,
  ];
}

customElements.define('hive-qr', HiveQr);

declare global {
  interface HTMLElementTagNameMap {
    'hive-qr': HiveQr;
  }
}
