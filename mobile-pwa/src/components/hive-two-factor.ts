import { css, html, LitElement, nothing } from 'lit';
import { AttemptController } from '../controllers/attempt-controller.ts';
import { disableTwoFactor, enableTwoFactor, renewBackupCodes, verifyTotp } from '../data/auth-api.ts';
import { announce } from '../data/announce.ts';
import { withStepUp } from '../data/step-up.ts';
import { secretOf } from '../data/totp-secret.ts';
import { base, buttons, fields } from '../styles/base.ts';
import { form } from '../styles/form.ts';
import { passwordField } from './password-field.ts';
import './hive-auth-problem.ts';
import './hive-copy.ts';
import './hive-qr.ts';
import './hive-recovery-codes.ts';

type Wish = 'enable' | 'disable' | 'codes';

type Step =
  | { at: 'rest' }
  /** The password first: whoever finds the phone unlocked must not change this. */
  | { at: 'password'; wish: Wish }
  | { at: 'scan'; uri: string; backupCodes: string[] }
  | { at: 'codes'; backupCodes: string[] };

/** One-time codes from an authenticator: set up, new backup codes, turn off. Fires `changed`. */
export class HiveTwoFactor extends LitElement {
  static override properties = {
    enabled: { type: Boolean },
    hasPassword: { attribute: false },
    email: {},
    _step: { state: true },
    _password: { state: true },
    _code: { state: true },
  };

  declare enabled: boolean;
  declare hasPassword: boolean;
  declare email: string;
  declare _step: Step;
  declare _password: string;
  declare _code: string;
  readonly #attempt = new AttemptController(this);

  constructor() {
    super();
    this.enabled = false;
    this.hasPassword = false;
    this.email = '';
    this._step = { at: 'rest' };
    this._password = '';
    this._code = '';
  }

  protected override render() {
    return html`
      ${this.#renderStep()}
      <hive-auth-problem
        .problem=${this.#attempt.problem}
        .waitSeconds=${this.#attempt.waitSeconds}
      ></hive-auth-problem>
    `;
  }

  #renderStep() {
    const step = this._step;
    if (step.at === 'password') return this.#renderPassword(step.wish);
    if (step.at === 'scan') return this.#renderScan(step.uri);
    if (step.at === 'codes') {
      return html`
        <p class="small">
          Codes are asked for from now on. If your authenticator is lost, one of these does instead. They are
          shown only now.
        </p>
        <hive-recovery-codes
          name="Backup codes"
          .codes=${step.backupCodes}
          .account=${this.email}
          proceed="Done"
          @saved=${this.#onSaved}
        ></hive-recovery-codes>
      `;
    }
    return this.#renderRest();
  }

  #renderRest() {
    const { blocked } = this.#attempt;
    if (!this.enabled) {
      return html`
        <p class="small muted">
          Off. With it, signing in by password also asks for a code from an authenticator
          app.${
            this.hasPassword ? '' : ' Signing in by passkey never does: a passkey is two factors already.'
          }
        </p>
        <button ?disabled=${blocked} @click=${() => this.#begin('enable')}>Set up one-time codes</button>
      `;
    }
    return html`
      <p class="small muted">On. Signing in by password asks for a code as well.</p>
      <div class="actions">
        <button ?disabled=${blocked} @click=${() => this.#begin('codes')}>New backup codes</button>
        <button class="danger" ?disabled=${blocked} @click=${() => this.#begin('disable')}>Turn off</button>
      </div>
    `;
  }

  #renderPassword(wish: Wish) {
    const verbs = { enable: 'Continue', disable: 'Turn off', codes: 'Make new codes' };
    return html`
      <form @submit=${(event: Event) => this.#onPassword(event, wish)}>
        ${passwordField({
          label: 'Password',
          value: this._password,
          onInput: (value) => (this._password = value),
        })}
        ${wish === 'codes' ? html`<p class="fine muted">The backup codes you have now stop working.</p>` : nothing}
        <div class="actions">
          <button class=${wish === 'disable' ? 'danger' : 'primary'} ?disabled=${this.#attempt.blocked}>
            ${verbs[wish]}
          </button>
          <button type="button" class="plain" @click=${this.#onLeave}>Leave it</button>
        </div>
      </form>
    `;
  }

  #renderScan(uri: string) {
    const secret = secretOf(uri);
    return html`
      <p class="small">Scan this with an authenticator app, then type the code it shows.</p>
      <hive-qr .text=${uri} label="Code for the authenticator app"></hive-qr>
      <details>
        <summary class="small">No camera? Type the secret</summary>
        <p class="mono secret-text">${secret}</p>
        <div class="actions">
          <hive-copy .text=${secret.replaceAll(' ', '')} label="Copy the secret"></hive-copy>
          <a class="button" href=${uri.startsWith('otpauth:') ? uri : nothing}>Open in an app here</a>
        </div>
      </details>
      <form @submit=${this.#onCode}>
        <div class="field">
          <label for="code">Code</label>
          <input
            id="code"
            class="code"
            type="text"
            inputmode="numeric"
            autocomplete="one-time-code"
            maxlength="7"
            required
            .value=${this._code}
            @input=${(event: Event) => (this._code = (event.target as HTMLInputElement).value)}
          />
        </div>
        <div class="actions">
          <button class="primary" ?disabled=${this.#attempt.blocked}>Turn on</button>
          <button type="button" class="plain" @click=${this.#onLeave}>Leave it off</button>
        </div>
      </form>
    `;
  }

  #begin(wish: Wish): void {
    this.#attempt.clear();
    if (this.hasPassword) {
      this._step = { at: 'password', wish };
      void this.updateComplete.then(() => this.renderRoot.querySelector('input')?.focus());
    } else void this.#go(wish, undefined);
  }

  #onPassword(event: Event, wish: Wish): void {
    event.preventDefault();
    void this.#go(wish, this._password);
  }

  async #go(wish: Wish, password: string | undefined): Promise<void> {
    const worked = await this.#attempt.run(wish, async () => {
      if (wish === 'enable') {
        const { uri, backupCodes } = await withStepUp(() => enableTwoFactor(password));
        this._step = { at: 'scan', uri, backupCodes };
      } else if (wish === 'codes') {
        this._step = { at: 'codes', backupCodes: await withStepUp(() => renewBackupCodes(password)) };
      } else {
        await withStepUp(() => disableTwoFactor(password));
        this._step = { at: 'rest' };
        this.#changed('One-time codes are off.');
      }
    });
    if (worked) this._password = '';
  }

  readonly #onCode = async (event: Event): Promise<void> => {
    event.preventDefault();
    const step = this._step;
    if (step.at !== 'scan') return;
    const worked = await this.#attempt.run('code', () => verifyTotp(this._code));
    this._code = '';
    if (!worked) return;
    this._step = { at: 'codes', backupCodes: step.backupCodes };
    announce('One-time codes are on. Save the backup codes.');
  };

  readonly #onSaved = (): void => {
    this._step = { at: 'rest' };
    this.#changed('Backup codes saved.');
  };

  readonly #onLeave = (): void => {
    this._step = { at: 'rest' };
    this._password = '';
    this._code = '';
    this.#attempt.clear();
  };

  #changed(text: string): void {
    announce(text);
    this.dispatchEvent(new CustomEvent('changed'));
  }

  static override styles = [
    base,
    buttons,
    fields,
    form,
    css`
      :host {
        display: grid;
        gap: var(--hive-3);
        justify-items: start;
      }
      form,
      hive-qr,
      hive-recovery-codes,
      hive-auth-problem,
      details {
        inline-size: 100%;
        max-inline-size: 26rem;
      }
      summary {
        display: flex;
        align-items: center;
        min-block-size: var(--hive-target);
        color: var(--hive-accent);
        cursor: pointer;
      }
      .secret-text {
        margin-block-end: var(--hive-3);
        overflow-wrap: anywhere;
        user-select: all;
      }
    `,
  ];
}

customElements.define('hive-two-factor', HiveTwoFactor);

declare global {
  interface HTMLElementTagNameMap {
    'hive-two-factor': HiveTwoFactor;
  }
}
