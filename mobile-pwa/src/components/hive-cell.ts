import { css, html, LitElement, svg, type PropertyValues } from 'lit';
import type { Look } from '../data/status-look.ts';

/** A pointy-top hexagon in a 24-unit box, drawn from the top, clockwise. */
const EDGE = 'M12 1.6 21 6.8V17.2L12 22.4 3 17.2V6.8Z';
/** The same with a gap at top and bottom: two halves that came apart. */
const SPLIT = 'M13.4 2.4 21 6.8V17.2L13.4 21.6M10.6 21.6 3 17.2V6.8L10.6 2.4';

const GLYPHS: Record<Look, string> = {
  idle: '',
  queued: 'M12 7.6V12L15 13.8',
  running: '',
  needs: 'M12 7.2V13M12 16.4V16.5',
  done: 'M8 12.3 10.9 15.2 16.2 9.2',
  failed: 'M8.8 8.8 15.2 15.2M15.2 8.8 8.8 15.2',
  offline: '',
  paused: 'M10 8.6V15.4M14 8.6V15.4',
  ended: 'M8.4 12H15.6',
};

/**
 * The comb cell: the app's only motif and its status sign. It pulses once when its look changes, because that is
 * when something happened; its label is for those who cannot see it, unless the text beside it says the same.
 */
export class HiveCell extends LitElement {
  static override properties = {
    look: { reflect: true },
    label: {},
  };

  declare look: Look;
  declare label: string;

  constructor() {
    super();
    this.look = 'idle';
    this.label = '';
  }

  protected override updated(changed: PropertyValues<this>): void {
    const before = changed.get('look');
    if (before === undefined || before === this.look || !this.hasUpdated) return;
    const still =
      matchMedia('(prefers-reduced-motion: reduce)').matches || 'frozen' in document.documentElement.dataset;
    if (still) return;
    this.shadowRoot
      ?.querySelector('svg')
      ?.animate([{ transform: 'scale(1)' }, { transform: 'scale(1.16)' }, { transform: 'scale(1)' }], {
        duration: 320,
        easing: 'ease-out',
      });
  }

  protected override render() {
    const named = this.label !== '';
    return html`
      <svg
        viewBox="0 0 24 24"
        role=${named ? 'img' : 'presentation'}
        aria-label=${named ? this.label : ''}
        aria-hidden=${named ? 'false' : 'true'}
      >
        <path class="edge" pathLength="60" d=${this.look === 'failed' ? SPLIT : EDGE}></path>
        ${this.look === 'running' ? svg`<path class="runner" pathLength="60" d=${EDGE}></path>` : ''}
        ${GLYPHS[this.look] ? svg`<path class="glyph" d=${GLYPHS[this.look]}></path>` : ''}
        ${this.look === 'running' ? svg`<circle class="dot" cx="12" cy="12" r="2.4"></circle>` : ''}
      </svg>
    `;
  }

  static override styles = css`
    :host {
      display: inline-block;
      flex: none;
      inline-size: var(--hive-cell-size, var(--hive-6));
      block-size: var(--hive-cell-size, var(--hive-6));
      --cell: var(--hive-line);
    }
    svg {
      display: block;
      inline-size: 100%;
      block-size: 100%;
      overflow: visible;
    }
    path {
      fill: none;
      stroke: var(--cell);
      stroke-width: 1.7;
      stroke-linejoin: round;
      stroke-linecap: round;
    }
    .edge {
      fill: var(--hive-cell-fill, var(--hive-background));
    }
    .glyph {
      stroke-width: 2;
    }
    :host([look='queued']) {
      --cell: var(--hive-muted);
    }
    :host([look='running']) {
      --cell: var(--hive-running);
    }
    :host([look='running']) .edge {
      stroke: color-mix(in srgb, var(--cell) 32%, var(--hive-background));
    }
    .runner {
      stroke-width: 2.2;
      stroke-dasharray: 20 40;
      animation: travel 1.6s linear infinite;
      animation-play-state: var(--hive-play);
    }
    .dot {
      fill: var(--cell);
    }
    :host([look='needs']) {
      --cell: var(--hive-needs);
    }
    :host([look='needs']) .edge {
      stroke-width: 2.6;
    }
    :host([look='done']) {
      --cell: var(--hive-done);
    }
    :host([look='failed']) {
      --cell: var(--hive-failed);
    }
    :host([look='failed']) .edge {
      fill: none;
    }
    :host([look='offline']) {
      --cell: var(--hive-offline);
    }
    :host([look='offline']) .edge {
      stroke-dasharray: 3 3.67;
    }
    :host([look='paused']),
    :host([look='ended']) {
      --cell: var(--hive-muted);
    }
    @keyframes travel {
      to {
        stroke-dashoffset: -60;
      }
    }
  `;
}

customElements.define('hive-cell', HiveCell);

declare global {
  interface HTMLElementTagNameMap {
    'hive-cell': HiveCell;
  }
}
