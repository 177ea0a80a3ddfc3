import { css, html, LitElement } from 'lit';
import { base } from '../styles/base.ts';
import './hive-copy.ts';
import './hive-secret-once.ts';

/** A key that was just made: the key itself, once, and how a program uses it. Fires `done`. */
export class HiveKeySecret extends LitElement {
  static override properties = { heading: {}, text: {}, secret: { attribute: false } };

  declare heading: string;
  declare text: string;
  declare secret: string;

  constructor() {
    super();
    this.heading = '';
    this.text = '';
    this.secret = '';
  }

  protected override render() {
    // The key stands in a variable, so that the command can be kept, shown and put into a history.
    const example = [
      `curl ${location.origin}/graphql \\`,
      `  -H "Authorization: Bearer $HIVE_KEY" \\`,
      `  -H 'Content-Type: application/json' \\`,
      `  -d '{"query":"{ viewer { workspaceName role } }"}'`,
    ].join('\n');
    return html`
      <hive-secret-once
        .heading=${this.heading}
        .text=${this.text}
        .secret=${this.secret}
        copy-label="Copy key"
        @done=${() => this.dispatchEvent(new CustomEvent('done'))}
      >
        <div class="example">
          <h3>Try it</h3>
          <p class="fine muted">With the key in <span class="mono">HIVE_KEY</span>:</p>
          <pre class="mono" tabindex="0" aria-label="Command">${example}</pre>
          <hive-copy .text=${example} label="Copy command"></hive-copy>
        </div>
      </hive-secret-once>
    `;
  }

  static override styles = [
    base,
    css`
      .example {
        display: grid;
        gap: var(--hive-2);
        min-inline-size: 0;
      }
      h3 {
        font-size: var(--hive-text-15);
      }
      pre {
        margin: 0;
        padding: var(--hive-3);
        border-radius: var(--hive-radius);
        background: var(--hive-background);
        font-size: var(--hive-text-13);
        line-height: 1.5;
        overflow-x: auto;
      }
      hive-copy {
        justify-self: start;
      }
    `,
  ];
}

customElements.define('hive-key-secret', HiveKeySecret);

declare global {
  interface HTMLElementTagNameMap {
    'hive-key-secret': HiveKeySecret;
  }
}
