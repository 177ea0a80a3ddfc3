import { css, html, LitElement } from 'lit';
import { signOut } from '../data/auth-api.ts';
import { asProblem } from '../data/auth-problem.ts';
import { formatCount } from '../data/format.ts';
import { session } from '../data/session.ts';
import { base, buttons } from '../styles/base.ts';
import type { HiveConfirm } from './hive-confirm.ts';
import './hive-confirm.ts';

/** Ends the session on this device. Asks first when something the person did has not been sent. */
export class HiveSignOut extends LitElement {
  static override properties = { _unsent: { state: true }, _problem: { state: true } };

  declare _unsent: number;
  declare _problem: string;

  constructor() {
    super();
    this._unsent = 0;
    this._problem = '';
  }

  protected override render() {
    return html`
      <button @click=${this.#onAsk}>Sign out</button>
      <p class="small problem" role="alert" ?hidden=${this._problem === ''}>${this._problem}</p>
      <hive-confirm
        heading="Sign out?"
        .text=${`${formatCount(this._unsent, 'action')} you took on this device ${this._unsent === 1 ? 'has' : 'have'} not been sent. Signing out drops ${this._unsent === 1 ? 'it' : 'them'}.`}
        action="Sign out"
        keep="Stay"
        @confirmed=${() => void this.#leave(true)}
      ></hive-confirm>
    `;
  }

  readonly #onAsk = async (): Promise<void> => {
    this._problem = '';
    this._unsent = await session.countUnsent().catch(() => 0);
    if (this._unsent === 0) await this.#leave(false);
    else this.renderRoot.querySelector<HiveConfirm>('hive-confirm')?.show();
  };

  async #leave(discardUnsent: boolean): Promise<void> {
    try {
      await signOut();
    } catch (error) {
      const { code, message } = asProblem(error);
      // Ended already is as good.
      if (code !== 'UNAUTHENTICATED') {
        this._problem =
          code === 'NETWORK' ? 'You need to be online for this: the hive ends the session.' : message;
        return;
      }
    }
    await session.leave({ discardUnsent });
  }

  static override styles = [
    base,
    buttons,
    css`
      .problem {
        margin-block-start: var(--hive-2);
        color: var(--hive-failed);
        font-weight: 600;
      }
    `,
  ];
}

customElements.define('hive-sign-out', HiveSignOut);

declare global {
  interface HTMLElementTagNameMap {
    'hive-sign-out': HiveSignOut;
  }
}
