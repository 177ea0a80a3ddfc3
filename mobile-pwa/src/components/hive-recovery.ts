import { css, html, LitElement } from 'lit';
import { AttemptController } from '../controllers/attempt-controller.ts';
import { renewRecoveryCodes } from '../data/auth-api.ts';
import { announce } from '../data/announce.ts';
import { withStepUp } from '../data/step-up.ts';
import { base, buttons } from '../styles/base.ts';
import type { HiveConfirm } from './hive-confirm.ts';
import './hive-auth-problem.ts';
import './hive-confirm.ts';
import './hive-recovery-codes.ts';

/** Ten new recovery codes in place of the old ones. */
export class HiveRecovery extends LitElement {
  static override properties = { email: {}, _codes: { state: true }, _done: { state: true } };

  declare email: string;
  declare _codes: string[] | undefined;
  declare _done: boolean;
  readonly #attempt = new AttemptController(this);

  constructor() {
    super();
    this.email = '';
    this._done = false;
  }

  protected override render() {
    if (this._codes) {
      return html`
        <p class="small">These replace the old ones, which no longer work. They are shown only now.</p>
        <hive-recovery-codes
          .codes=${this._codes}
          .account=${this.email}
          proceed="Done"
          @saved=${this.#onSaved}
        ></hive-recovery-codes>
      `;
    }
    return html`
      <p class="small muted" role="status">
        ${
          this._done
            ? 'New codes made. The old ones no longer work.'
            : 'Ten codes that sign you in once each, when every other way is lost. Nobody can show you the ones you have.'
        }
      </p>
      <hive-auth-problem
        .problem=${this.#attempt.problem}
        .waitSeconds=${this.#attempt.waitSeconds}
      ></hive-auth-problem>
      <button ?disabled=${this.#attempt.blocked} @click=${this.#onAsk}>Make new codes</button>
      <hive-confirm
        heading="Make new recovery codes?"
        text="The ones you have saved stop working at once."
        action="Make new ones"
        keep="Keep the old ones"
        @confirmed=${this.#onConfirmed}
      ></hive-confirm>
    `;
  }

  readonly #onAsk = (): void => this.renderRoot.querySelector<HiveConfirm>('hive-confirm')?.show();

  readonly #onConfirmed = (): void => {
    void this.#attempt.run('renew', async () => {
      this._codes = await withStepUp(renewRecoveryCodes);
    });
  };

  readonly #onSaved = (): void => {
    this._codes = undefined;
    this._done = true;
    announce('Recovery codes saved.');
  };

  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: grid;
        gap: var(--hive-3);
        justify-items: start;
      }
      hive-recovery-codes,
      hive-auth-problem {
        inline-size: 100%;
        max-inline-size: 26rem;
      }
    `,
  ];
}

customElements.define('hive-recovery', HiveRecovery);

declare global {
  interface HTMLElementTagNameMap {
    'hive-recovery': HiveRecovery;
  }
}
