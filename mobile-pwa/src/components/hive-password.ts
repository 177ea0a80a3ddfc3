import { css, html, LitElement, nothing } from 'lit';
import { AttemptController } from '../controllers/attempt-controller.ts';
import { changePassword, setPassword } from '../data/auth-api.ts';
import { announce } from '../data/announce.ts';
import { withStepUp } from '../data/step-up.ts';
import { base, buttons, fields } from '../styles/base.ts';
import { form } from '../styles/form.ts';
import { LEAST_PASSWORD_LENGTH, passwordField } from './password-field.ts';
import './hive-auth-problem.ts';

/** Sets the first password of an account, or changes it. Fires `changed`. */
export class HivePassword extends LitElement {
  static override properties = {
    exists: { type: Boolean },
    email: {},
    _open: { state: true },
    _current: { state: true },
    _next: { state: true },
    _done: { state: true },
  };

  /** The account has a password. */
  declare exists: boolean;
  /** For password managers, which keep it with the password. */
  declare email: string;
  declare _open: boolean;
  declare _current: string;
  declare _next: string;
  declare _done: boolean;
  readonly #attempt = new AttemptController(this);

  constructor() {
    super();
    this.exists = false;
    this.email = '';
    this._open = false;
    this._current = '';
    this._next = '';
    this._done = false;
  }

  protected override render() {
    if (!this._open) {
      return html`
        <p class="small muted" role="status">
          ${
            this._done
              ? 'Saved. All your other devices have been signed out.'
              : this.exists
                ? 'Set.'
                : 'None. You sign in without one.'
          }
        </p>
        <button @click=${this.#onOpen}>${this.exists ? 'Change the password' : 'Set a password'}</button>
      `;
    }
    return html`
      <form @submit=${this.#onSubmit}>
        <input hidden name="email" type="email" autocomplete="username" .value=${this.email} />
        ${
          this.exists
            ? passwordField({
                label: 'Password now',
                name: 'current',
                value: this._current,
                onInput: (value) => (this._current = value),
              })
            : nothing
        }
        ${passwordField({
          label: 'New password',
          name: 'next',
          isNew: true,
          value: this._next,
          onInput: (value) => (this._next = value),
        })}
        <p class="fine muted">Signs out all your other devices.</p>
        <hive-auth-problem
          .problem=${this.#attempt.problem}
          .waitSeconds=${this.#attempt.waitSeconds}
        ></hive-auth-problem>
        <div class="actions">
          <button class="primary" ?disabled=${this.#attempt.blocked}>
            ${this.exists ? 'Change' : 'Set the password'}
          </button>
          <button type="button" class="plain" @click=${() => (this._open = false)}>Leave it</button>
        </div>
      </form>
    `;
  }

  readonly #onOpen = (): void => {
    this._open = true;
    this._done = false;
    void this.updateComplete.then(() =>
      this.renderRoot.querySelector<HTMLInputElement>('input:not([hidden])')?.focus(),
    );
  };

  readonly #onSubmit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (this._next.length < LEAST_PASSWORD_LENGTH) return;
    const worked = await this.#attempt.run('save', () =>
      withStepUp(() => (this.exists ? changePassword(this._current, this._next) : setPassword(this._next))),
    );
    if (!worked) return;
    this._current = '';
    this._next = '';
    this._open = false;
    this._done = true;
    announce('Password saved.');
    this.dispatchEvent(new CustomEvent('changed'));
  };

  static override styles = [
    base,
    buttons,
    fields,
    form,
    css`
      :host {
        display: grid;
        gap: var(--hive-2);
        justify-items: start;
      }
      form {
        inline-size: 100%;
        max-inline-size: 26rem;
      }
    `,
  ];
}

customElements.define('hive-password', HivePassword);

declare global {
  interface HTMLElementTagNameMap {
    'hive-password': HivePassword;
  }
}
