import { css, html, LitElement, nothing } from 'lit';
import { AttemptController } from '../controllers/attempt-controller.ts';
import { confirmPassword, listPasskeys, listLogins, readAccount, stepUpWithTotp } from '../data/auth-api.ts';
import { session } from '../data/session.ts';
import type { Proof } from '../data/step-up.ts';
import { confirmWithPasskey, passkeyObstacle } from '../data/webauthn.ts';
import { navigate } from '../navigation.ts';
import { base, buttons, fields } from '../styles/base.ts';
import { form } from '../styles/form.ts';
import './hive-auth-problem.ts';
import './hive-skeleton.ts';
import { passwordField } from './password-field.ts';

interface Means {
  passkey: boolean;
  totp: boolean;
  /** There is one, but not on this page. */
  passkeyElsewhere: boolean;
  password: boolean;
}

/** Asks a person who is signed in to prove that it is still them, before something dangerous. */
export class HiveStepUp extends LitElement {
  static override properties = {
    _means: { state: true },
    _code: { state: true },
    _password: { state: true },
  };

  declare _means: Means | undefined;
  declare _code: string;
  declare _password: string;
  #proof: Proof = 'STEP_UP';
  readonly #attempt = new AttemptController(this);
  #answer: ((confirmed: boolean) => void) | undefined;

  constructor() {
    super();
    this._code = '';
    this._password = '';
  }

  /** @returns whether the person has confirmed who they are; false when they would rather not */
  static async ask(proof: Proof): Promise<boolean> {
    const element = document.createElement('hive-step-up');
    element.#proof = proof;
    document.body.append(element);
    try {
      return await element.#ask();
    } finally {
      element.remove();
    }
  }

  async #ask(): Promise<boolean> {
    await this.updateComplete;
    this.#dialog?.showModal();
    void this.#findMeans();
    return new Promise((resolve) => {
      this.#answer = resolve;
    });
  }

  protected override render() {
    return html`
      <dialog aria-labelledby="heading" @click=${this.#onBackdrop} @close=${() => this.#answer?.(false)}>
        <div class="stack">
          <h2 class="title" id="heading">Is it still you?</h2>
          ${this.#renderMeans()}
          <hive-auth-problem
            .problem=${this.#attempt.problem}
            .waitSeconds=${this.#attempt.waitSeconds}
          ></hive-auth-problem>
          <button type="button" class="plain" @click=${() => this.#dialog?.close()}>Not now</button>
        </div>
      </dialog>
    `;
  }

  #renderMeans() {
    const means = this._means;
    if (!means) {
      return this.#attempt.problem
        ? html`<button type="button" @click=${() => void this.#findMeans()}>Try again</button>`
        : html`<hive-skeleton .lines=${2}></hive-skeleton>`;
    }
    if (!means.passkey && !means.totp && this.#proof === 'CONFIRM') return this.#renderPassword(means);
    if (!means.passkey && !means.totp) {
      return html`
        <p class="small">
          ${
            means.passkeyElsewhere
              ? 'This needs your passkey, which does not work on this page. Open the hive at its encrypted address, or set up one-time codes.'
              : 'This needs a passkey or a one-time code, and your account has neither yet.'
          }
        </p>
        <a class="button primary" href="/settings/security" @click=${this.#onSetUp}>Set one up</a>
      `;
    }
    return html`
      <p class="small muted">
        This is asked before anything that cannot be taken back. It counts for five minutes.
      </p>
      ${
        means.passkey
          ? html`<button
              type="button"
              class="primary"
              ?disabled=${this.#attempt.blocked}
              @click=${this.#onPasskey}
            >
              Confirm with passkey
            </button>`
          : nothing
      }
      ${means.passkey && means.totp ? html`<p class="or">or</p>` : nothing}
      ${means.totp ? this.#renderCode(means.passkey) : nothing}
    `;
  }

  #renderPassword({ password, passkeyElsewhere }: Means) {
    if (!password || passkeyElsewhere) {
      return html`<p class="small">
        This is for somebody who has just signed in. Sign out, sign in, and try again within ten minutes.
      </p>`;
    }
    return html`
      <form @submit=${this.#onPassword}>
        ${passwordField({
          label: 'Password',
          value: this._password,
          onInput: (value) => (this._password = value),
        })}
        <button class="primary" ?disabled=${this.#attempt.blocked}>Confirm</button>
      </form>
    `;
  }

  #renderCode(isSecond: boolean) {
    return html`
      <form @submit=${this.#onCode}>
        <div class="field">
          <label for="code">Code from your authenticator</label>
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
        <button class=${isSecond ? '' : 'primary'} ?disabled=${this.#attempt.blocked}>
          Confirm with code
        </button>
      </form>
    `;
  }

  get #dialog(): HTMLDialogElement | null {
    return this.renderRoot.querySelector('dialog');
  }

  async #findMeans(): Promise<void> {
    await this.#attempt.run('means', async () => {
      const [account, passkeys, logins] = await Promise.all([readAccount(), listPasskeys(), listLogins()]);
      const works = passkeyObstacle() === undefined;
      this._means = {
        passkey: passkeys.length > 0 && works,
        totp: account?.twoFactorEnabled === true,
        passkeyElsewhere: passkeys.length > 0 && !works,
        password: logins.some(({ provider }) => provider === 'credential'),
      };
    });
  }

  readonly #onPasskey = (): void => void this.#confirm('passkey', confirmWithPasskey);

  readonly #onCode = (event: Event): void => {
    event.preventDefault();
    void this.#confirm('code', () => stepUpWithTotp(this._code));
  };

  readonly #onPassword = (event: Event): void => {
    event.preventDefault();
    void this.#confirm('password', () => confirmPassword(this._password));
  };

  async #confirm(name: string, prove: () => Promise<void>): Promise<void> {
    if (!(await this.#attempt.run(name, prove))) return;
    // What may be done now is more than before.
    void session.verify();
    this.#answer?.(true);
    this.#dialog?.close();
  }

  readonly #onSetUp = (event: Event): void => {
    event.preventDefault();
    this.#dialog?.close();
    navigate('/settings/security');
  };

  readonly #onBackdrop = (event: Event): void => {
    if (event.target === this.#dialog) this.#dialog?.close();
  };

  static override styles = [
    base,
    buttons,
    fields,
    form,
    css`
      :host {
        display: contents;
      }
      dialog {
        inline-size: min(100% - var(--hive-8), 24rem);
        max-inline-size: none;
        padding: var(--hive-5);
        border: var(--hive-stroke) solid var(--hive-hairline);
        border-radius: var(--hive-4);
        background: var(--hive-background);
        color: var(--hive-ink);
      }
      dialog::backdrop {
        background: var(--hive-scrim);
      }
    `,
  ];
}

customElements.define('hive-step-up', HiveStepUp);

declare global {
  interface HTMLElementTagNameMap {
    'hive-step-up': HiveStepUp;
  }
}
