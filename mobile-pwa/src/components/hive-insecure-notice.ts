import { css, html, LitElement, nothing } from 'lit';
import { passkeyObstacle } from '../data/webauthn.ts';
import { base, rows } from '../styles/base.ts';

/**
 * Why this page can do less than it should: browsers give installing, notifications and passkeys only to pages that came
 * encrypted, or from the machine itself, and passkeys only to names. Says what to do; empty where nothing is missing.
 */
export class HiveInsecureNotice extends LitElement {
  static override properties = { hash: {} };

  /** Goes along to the address that works: the token of the link. */
  declare hash: string;

  constructor() {
    super();
    this.hash = '';
  }

  protected override willUpdate(): void {
    const obstacle = passkeyObstacle();
    this.hidden = obstacle === undefined || obstacle === 'BROWSER';
  }

  protected override render() {
    const obstacle = passkeyObstacle();
    if (obstacle === 'ADDRESS') return this.#renderAddress();
    return obstacle === 'INSECURE' ? this.#renderInsecure() : nothing;
  }

  #renderAddress() {
    const isLoopback = /^(127\.|\[::1\])/.test(location.hostname);
    const port = location.port ? `:${location.port}` : '';
    const url = `${location.protocol}//localhost${port}${location.pathname}${location.search}${this.hash}`;
    return html`
      <div class="panel">
        <h2 class="title">Passkeys need a name</h2>
        ${
          isLoopback
            ? html`<p class="small">
                A passkey belongs to a name, not to a number like
                <span class="mono">${location.hostname}</span>. <a href=${url}>Go on at localhost${port}</a>,
                which is the same machine, or use a password here.
              </p>`
            : html`<p class="small">
                A passkey belongs to a name, not to a number like
                <span class="mono">${location.hostname}</span>. Open the hive by its host name, or use a
                password here.
              </p>`
        }
      </div>
    `;
  }

  #renderInsecure() {
    return html`
      <div class="panel">
        <h2 class="title">This connection is not encrypted</h2>
        <p class="small">
          Over plain HTTP from another machine, browsers refuse passkeys, installing the app and
          notifications, and whoever shares the network can read along. You can go on with a password, or
          first do one of these:
        </p>
        <details class="fold">
          <summary>Three ways to encrypt it</summary>
          <ol>
            <li>
              <p class="small"><strong>Give the hive a certificate.</strong> Start it with</p>
              <pre>
HIVE_TLS_CERT=/path/fullchain.pem
HIVE_TLS_KEY=/path/key.pem</pre>
            </li>
            <li>
              <p class="small">
                <strong>Put a proxy in front.</strong> The <span class="mono">caddy</span> service in
                docker-compose.yml fetches a certificate by itself; any other proxy works with
              </p>
              <pre>HIVE_PUBLIC_URL=https://hive.example.com</pre>
            </li>
            <li>
              <p class="small">
                <strong>Use a private network that brings certificates,</strong> such as Tailscale, or a
                tunnel, so that this device talks to its own localhost:
              </p>
              <pre>
tailscale serve ${location.port || '80'}
ssh -L ${location.port || '4000'}:localhost:${location.port || '80'} ${location.hostname}</pre>
            </li>
          </ol>
          ${
            this.hash
              ? html`<p class="fine muted">This link works at the new address too, while it is valid.</p>`
              : nothing
          }
        </details>
      </div>
    `;
  }

  static override styles = [
    base,
    rows,
    css`
      .panel {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: var(--hive-2);
        border: var(--hive-stroke) solid var(--hive-line);
        background: none;
        overflow-wrap: anywhere;
      }
      summary {
        inline-size: fit-content;
        color: var(--hive-accent);
        font-size: var(--hive-text-15);
        font-weight: 600;
      }
      .fold > summary::after {
        margin-inline-start: 0;
        border-color: var(--hive-accent);
      }
      ol {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: var(--hive-4);
        padding-inline-start: var(--hive-5);
        padding-block: var(--hive-2);
        list-style: decimal;
      }
      li::marker {
        color: var(--hive-muted);
        font-size: var(--hive-text-15);
      }
      pre {
        margin: var(--hive-2) 0 0;
        padding: var(--hive-3);
        border-radius: var(--hive-radius-small);
        background: var(--hive-surface);
        font: var(--hive-text-13) / 1.5 var(--hive-mono);
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
    `,
  ];
}

customElements.define('hive-insecure-notice', HiveInsecureNotice);

declare global {
  interface HTMLElementTagNameMap {
    'hive-insecure-notice': HiveInsecureNotice;
  }
}
