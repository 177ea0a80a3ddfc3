import { css, html, LitElement, nothing } from 'lit';
import { AttemptController } from '../controllers/attempt-controller.ts';
import { ClockController } from '../controllers/clock-controller.ts';
import {
  readPairing,
  revokeSession,
  startPairing,
  type PairingOffer,
  type PairingState,
} from '../data/auth-api.ts';
import { announce } from '../data/announce.ts';
import { withStepUp } from '../data/step-up.ts';
import { base, buttons } from '../styles/base.ts';
import './hive-auth-problem.ts';
import './hive-cell.ts';
import './hive-copy.ts';
import './hive-qr.ts';

const POLL_MS = 1_500;
/** How long the hive accepts a code; it says so itself when one has ended. */
const VALID_MS = 5 * 60_000;

/** Shows the code that signs another device in, and says when it was used; `state` fires with what became of it. */
export class HivePairing extends LitElement {
  static override properties = { _offer: { state: true }, _state: { state: true }, _undone: { state: true } };

  declare _offer: PairingOffer | undefined;
  declare _state: PairingState | undefined;
  /** The device that was paired has been signed out again. */
  declare _undone: boolean;
  readonly #attempt = new AttemptController(this);
  /** On the clock that only counts. */
  #offeredAtMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    this._undone = false;
    new ClockController(this, () => 1_000);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.#start();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.#timer);
  }

  protected override render() {
    return html`
      <hive-auth-problem
        .problem=${this.#attempt.problem}
        .waitSeconds=${this.#attempt.waitSeconds}
      ></hive-auth-problem>
      ${this.#renderState()}
    `;
  }

  #renderState() {
    const offer = this._offer;
    if (!offer) {
      return this.#attempt.problem
        ? html`<button @click=${() => void this.#start()}>Try again</button>`
        : html`<hive-qr></hive-qr>`;
    }
    if (this._state?.state === 'CLAIMED') return this.#renderClaimed(this._state);
    // From when it came, not by its date: this device's clock may be minutes off the hive's.
    const secondsLeft = Math.ceil((this.#offeredAtMs + VALID_MS - performance.now()) / 1_000);
    if (secondsLeft <= 0 || this._state?.state === 'EXPIRED') {
      return html`
        <p>This code is over.</p>
        <button class="primary" ?disabled=${this.#attempt.blocked} @click=${() => void this.#start()}>
          Show a new code
        </button>
      `;
    }
    return html`
      <hive-qr .drawing=${offer.svg} label="Code that signs another device in"></hive-qr>
      <p class="small muted" role="timer" aria-live="off">
        Works once, for ${Math.floor(secondsLeft / 60)}:${String(secondsLeft % 60).padStart(2, '0')} more.
        Show it to nobody: whoever scans it is you.
      </p>
      ${
        /^http:\/\/(localhost|127\.|\[::1\])/.test(offer.url)
          ? html`<p class="small">
              The link leads to <span class="mono">${new URL(offer.url).host}</span>, which on another device
              is that device itself. Open the hive here by an address the other one can reach.
            </p>`
          : nothing
      }
      <hive-copy .text=${offer.url} label="Copy the link instead"></hive-copy>
    `;
  }

  #renderClaimed({ session }: PairingState) {
    const name = session?.deviceName || 'The other device';
    return html`
      <div class="claimed">
        <hive-cell look=${this._undone ? 'ended' : 'done'}></hive-cell>
        <p><strong>${this._undone ? `${name} is signed out again` : `${name} is signed in`}</strong></p>
      </div>
      <div class="actions">
        ${
          session && !this._undone
            ? html`<button
                class="danger"
                ?disabled=${this.#attempt.blocked}
                @click=${() => void this.#undo(session.id)}
              >
                That was not me: sign it out
              </button>`
            : nothing
        }
        <button @click=${() => void this.#start()}>Pair another</button>
      </div>
    `;
  }

  async #start(): Promise<void> {
    clearTimeout(this.#timer);
    this._offer = undefined;
    this._state = undefined;
    this._undone = false;
    this.dispatchEvent(new CustomEvent('state', { detail: 'WAITING' }));
    await this.#attempt.run('start', async () => {
      this._offer = await withStepUp(startPairing);
      this.#offeredAtMs = performance.now();
      this.#pollSoon();
    });
  }

  #pollSoon(): void {
    clearTimeout(this.#timer);
    if (this.isConnected) this.#timer = setTimeout(() => void this.#poll(), POLL_MS);
  }

  async #poll(): Promise<void> {
    const offer = this._offer;
    if (!offer) return;
    try {
      // A page nobody looks at asks nothing.
      if (document.visibilityState === 'visible') this._state = await readPairing(offer.token);
    } catch {
      // A break of the network: the next question may be answered.
    }
    if (this._state) this.dispatchEvent(new CustomEvent('state', { detail: this._state.state }));
    if (this._state?.state === 'CLAIMED')
      announce(`${this._state.session?.deviceName ?? 'The other device'} is signed in.`);
    else if (this._state?.state !== 'EXPIRED') this.#pollSoon();
  }

  async #undo(sessionId: string): Promise<void> {
    const worked = await this.#attempt.run('undo', () => withStepUp(() => revokeSession(sessionId)));
    if (!worked) return;
    this._undone = true;
    this.dispatchEvent(new CustomEvent('state', { detail: 'UNDONE' }));
  }

  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: grid;
        gap: var(--hive-4);
        justify-items: start;
      }
      hive-qr,
      hive-auth-problem {
        inline-size: 100%;
      }
      .claimed {
        display: flex;
        align-items: center;
        gap: var(--hive-3);
      }
    `,
  ];
}

customElements.define('hive-pairing', HivePairing);

declare global {
  interface HTMLElementTagNameMap {
    'hive-pairing': HivePairing;
  }
}
