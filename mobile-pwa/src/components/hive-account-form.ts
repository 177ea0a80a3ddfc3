import { html, LitElement, nothing } from 'lit';
import { base, buttons, fields } from '../styles/base.ts';
import { form } from '../styles/form.ts';
import { LEAST_PASSWORD_LENGTH, passwordField } from './password-field.ts';

export interface NewAccount {
  name: string;
  email: string;
  /** Absent: a passkey instead. */
  password?: string;
}

/** Who a new account is for, and how it will be signed in to. Fires `create` with a NewAccount. */
export class HiveAccountForm extends LitElement {
  static override properties = {
    passkeys: { type: Boolean },
    blocked: { type: Boolean },
    exists: { type: Boolean },
    busy: {},
    name: {},
    email: {},
    _password: { state: true },
    _usePassword: { state: true },
  };

  /** Whether this page can make one. */
  declare passkeys: boolean;
  declare blocked: boolean;
  /** The account is there already and only gets a way to sign in. */
  declare exists: boolean;
  /** What is being done, in place of the button's text. */
  declare busy: string;
  declare name: string;
  declare email: string;
  declare _password: string;
  declare _usePassword: boolean;

  constructor() {
    super();
    this.passkeys = false;
    this.blocked = false;
    this.exists = false;
    this.busy = '';
    this.name = '';
    this.email = '';
    this._password = '';
    this._usePassword = false;
  }

  get #withPassword(): boolean {
    return this._usePassword || !this.passkeys;
  }

  get #action(): string {
    if (this.exists) return this.#withPassword ? 'Set the password' : 'Add a passkey';
    return this.#withPassword ? 'Create account' : 'Create account with a passkey';
  }

  protected override render() {
    const withPassword = this.#withPassword;
    return html`
      <form @submit=${this.#onSubmit}>
        <div class="field">
          <label for="name">Name</label>
          <input
            id="name"
            name="name"
            type="text"
            autocomplete="name"
            maxlength="100"
            required
            .value=${this.name}
            @input=${(event: Event) => (this.name = (event.target as HTMLInputElement).value)}
          />
        </div>
        <div class="field">
          <label for="email">E-mail</label>
          <input
            id="email"
            name="email"
            type="email"
            autocomplete="username"
            autocapitalize="off"
            spellcheck="false"
            maxlength="254"
            required
            aria-describedby="email-hint"
            .value=${this.email}
            @input=${(event: Event) => (this.email = (event.target as HTMLInputElement).value)}
          />
          <p id="email-hint" class="fine muted">Your name for signing in. The hive sends no mail.</p>
        </div>
        ${
          withPassword
            ? passwordField({
                label: 'Password',
                isNew: true,
                value: this._password,
                onInput: (value) => (this._password = value),
              })
            : nothing
        }
        <button class="primary wide" ?disabled=${this.blocked}>${this.busy || this.#action}</button>
        ${
          this.passkeys
            ? html`<div class="ways">
                <button type="button" @click=${() => (this._usePassword = !this._usePassword)}>
                  ${withPassword ? 'Use a passkey instead' : 'Use a password instead'}
                </button>
              </div>`
            : nothing
        }
      </form>
    `;
  }

  readonly #onSubmit = (event: Event): void => {
    event.preventDefault();
    if (this.#withPassword && this._password.length < LEAST_PASSWORD_LENGTH) return;
    const account = { name: this.name.trim(), email: this.email.trim() };
    const detail: NewAccount = this.#withPassword ? { ...account, password: this._password } : account;
    this.dispatchEvent(new CustomEvent<NewAccount>('create', { detail }));
  };

  static override styles = [base, buttons, fields, form];
}

customElements.define('hive-account-form', HiveAccountForm);

declare global {
  interface HTMLElementTagNameMap {
    'hive-account-form': HiveAccountForm;
  }
}
