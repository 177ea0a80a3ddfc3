import { html, LitElement } from 'lit';
import { AttemptController } from '../controllers/attempt-controller.ts';
import { verifyBackupCode, verifyTotp } from '../data/auth-api.ts';
import { base, buttons, fields } from '../styles/base.ts';
import { form } from '../styles/form.ts';
import './hive-auth-problem.ts';

/** After these there is nothing to type a code for any more. */
const OVER = new Set(['INVALID_TWO_FACTOR_COOKIE', 'TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE']);

/** The second step of a sign-in. `done` fires when one is in, `again` when it has to begin anew. */
export class HiveSecondFactor extends LitElement {
  static override properties = { _code: { state: true }, _backup: { state: true } };

  declare _code: string;
  /** A backup code instead of one from the authenticator. */
  declare _backup: boolean;
  readonly #attempt = new AttemptController(this);

  constructor() {
    super();
    this._code = '';
    this._backup = false;
  }

  protected override firstUpdated(): void {
    this.#focus();
  }

  protected override render() {
    return html`
      <form @submit=${this.#onSubmit}>
        <hive-auth-problem
          .problem=${this.#attempt.problem}
          .waitSeconds=${this.#attempt.waitSeconds}
        ></hive-auth-problem>
        <div class="field">
          <label for="code">${this._backup ? 'Backup code' : 'Code from your authenticator'}</label>
          <input
            id="code"
            name="code"
            class="code"
            type="text"
            inputmode=${this._backup ? 'text' : 'numeric'}
            autocomplete="one-time-code"
            autocapitalize="off"
            spellcheck="false"
            required
            maxlength=${this._backup ? 24 : 7}
            .value=${this._code}
            @input=${(event: Event) => (this._code = (event.target as HTMLInputElement).value)}
          />
        </div>
        <button class="primary wide" ?disabled=${this.#attempt.blocked}>Sign in</button>
        <div class="ways">
          <button type="button" @click=${this.#onOther}>
            ${this._backup ? 'Use the authenticator' : 'Use a backup code'}
          </button>
          <button type="button" @click=${() => this.dispatchEvent(new CustomEvent('again'))}>
            Start again
          </button>
        </div>
      </form>
    `;
  }

  readonly #onSubmit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const verify = this._backup ? verifyBackupCode : verifyTotp;
    const worked = await this.#attempt.run('code', () => verify(this._code));
    this._code = '';
    if (worked) this.dispatchEvent(new CustomEvent('done'));
    else if (OVER.has(this.#attempt.problem?.code ?? ''))
      this.dispatchEvent(new CustomEvent('again', { detail: this.#attempt.problem }));
    else this.#focus();
  };

  readonly #onOther = (): void => {
    this._backup = !this._backup;
    this._code = '';
    this.#focus();
  };

  #focus(): void {
    void this.updateComplete.then(() => this.renderRoot.querySelector('input')?.focus());
  }

  static override styles = [base, buttons, fields, form];
}

customElements.define('hive-second-factor', HiveSecondFactor);

declare global {
  interface HTMLElementTagNameMap {
    'hive-second-factor': HiveSecondFactor;
  }
}
