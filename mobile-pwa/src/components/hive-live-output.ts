import { css, html, LitElement, type PropertyValues } from 'lit';
import { base } from '../styles/base.ts';
import './hive-markdown.ts';

/** Text as it is being written. Stays at its end while the person is there, and leaves them alone when they read. */
export class HiveLiveOutput extends LitElement {
  static override properties = { text: {}, running: { type: Boolean, reflect: true } };

  declare text: string;
  declare running: boolean;
  #atEnd = true;

  constructor() {
    super();
    this.text = '';
    this.running = false;
  }

  protected override render() {
    return html`
      <div
        class="frame"
        tabindex="0"
        role="group"
        aria-label="Live output"
        aria-busy=${this.running}
        @scroll=${this.#onScroll}
      >
        ${
          this.text === ''
            ? html`<p class="small muted">Nothing written yet.</p>`
            : html`<hive-markdown .text=${this.text}></hive-markdown>`
        }
        <i class="caret" ?hidden=${!this.running}></i>
      </div>
    `;
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (!changed.has('text') || !this.#atEnd) return;
    // The Markdown is rendered after this update; follow it on the next frame.
    requestAnimationFrame(() => {
      const frame = this.renderRoot.querySelector('.frame');
      if (frame && this.#atEnd) frame.scrollTop = frame.scrollHeight;
    });
  }

  readonly #onScroll = (event: Event): void => {
    const frame = event.target as HTMLElement;
    this.#atEnd = frame.scrollHeight - frame.scrollTop - frame.clientHeight < 48;
  };

  static override styles = [
    base,
    css`
      .frame {
        max-block-size: 60dvh;
        padding: var(--hive-4);
        border: var(--hive-stroke) solid var(--hive-hairline);
        border-radius: var(--hive-radius);
        overflow-y: auto;
        overscroll-behavior: contain;
      }
      :host([running]) .frame {
        border-color: var(--hive-running);
      }
      .caret {
        display: inline-block;
        inline-size: var(--hive-3);
        block-size: var(--hive-3);
        margin-block-start: var(--hive-2);
        background: var(--hive-running);
        clip-path: polygon(50% 0, 100% 25%, 100% 75%, 50% 100%, 0 75%, 0 25%);
        animation: breathe 1.2s ease-in-out infinite alternate;
        animation-play-state: var(--hive-play);
      }
      @keyframes breathe {
        to {
          opacity: 0.25;
        }
      }
    `,
  ];
}

customElements.define('hive-live-output', HiveLiveOutput);

declare global {
  interface HTMLElementTagNameMap {
    'hive-live-output': HiveLiveOutput;
  }
}
