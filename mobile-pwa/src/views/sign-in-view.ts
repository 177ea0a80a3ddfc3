import { css, html, LitElement, nothing } from 'lit';
import { AttemptController } from '../controllers/attempt-controller.ts';
import { EventController } from '../controllers/event-controller.ts';
import {
  readStatus,
  recover,
  signInWithPassword,
  signOut,
  startOAuth,
  type HiveStatus,
  type Provider,
} from '../data/auth-api.ts';
import { AuthProblem, redirectProblem } from '../data/auth-problem.ts';
import { hive } from '../data/hive.ts';
import { formatCount } from '../data/format.ts';
import { session } from '../data/session.ts';
import { offerInField, passkeyObstacle, signInWithPasskey } from '../data/webauthn.ts';
import { pathAfterSignIn } from '../routes.ts';
import { base, buttons, fields } from '../styles/base.ts';
import { form } from '../styles/form.ts';
import '../components/hive-auth-problem.ts';
import '../components/hive-door.ts';
import '../components/hive-insecure-notice.ts';
import '../components/hive-second-factor.ts';
import '../components/hive-skeleton.ts';
import { passwordField } from '../components/password-field.ts';

/** `first`: any way in. `second`: the password was right. `recovery`: a code instead. */
type Step = 'first' | 'second' | 'recovery';

/** The way in: a passkey, a password and perhaps a second factor, another provider, or a recovery code. */
export class HiveSignInView extends LitElement {
  static override properties = {
    itemId: {},
    _status: { state: true },
    _step: { state: true },
    _email: { state: true },
    _password: { state: true },
    _code: { state: true },
    _notMember: { state: true },
  };

  declare itemId: string;
  declare _status: HiveStatus | undefined;
  declare _step: Step;
  declare _email: string;
  declare _password: string;
  declare _code: string;
  declare _notMember: boolean;

  readonly #attempt = new AttemptController(this, () => void (this._status || this.#load()));
  #inField: AbortController | undefined;

  constructor() {
    super();
    this.itemId = '';
    this._step = 'first';
    this._email = '';
    this._password = '';
    this._code = '';
    this._notMember =
      new URLSearchParams(location.search).get('problem') === 'not-a-member' || !session.isMember;
    new EventController(this, [session, 'change'], [hive.outbox, 'change']);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    session.addEventListener('elsewhere', this.#onElsewhere);
    void this.#load();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    session.removeEventListener('elsewhere', this.#onElsewhere);
    this.#inField?.abort();
  }

  protected override render() {
    return html`
      <hive-door heading=${this.#heading} lead=${this.#lead}>
        ${this.#renderUnsent()}
        <hive-auth-problem
          .problem=${this.#attempt.problem}
          .waitSeconds=${this.#attempt.waitSeconds}
        ></hive-auth-problem>
        ${this.#renderStep()}
      </hive-door>
    `;
  }

  get #heading(): string {
    if (this._notMember) return 'No workspace for you here';
    if (this._status && !this._status.hasOwner) return 'Nobody has an account yet';
    if (this._step === 'second') return 'One more step';
    if (this._step === 'recovery') return 'Use a recovery code';
    return session.hasEnded ? 'Signed out here' : 'Sign in';
  }

  get #lead(): string {
    if (this._notMember) return 'You have an account, but you are a member of no workspace of this hive.';
    if (this._step === 'second') return 'The password is right. Your account asks for a code as well.';
    if (this._step === 'recovery') return 'One of the ten you saved. Each works once.';
    if (session.hasEnded) return 'Your session on this device has ended: it ran out, or somebody ended it.';
    return '';
  }

  /** Only that there is something, never what: whoever reads this may be somebody else. */
  #renderUnsent() {
    const { waitingCount } = hive.outbox;
    const { name } = session.identity;
    if (waitingCount === 0 || !session.hasEnded || this._step !== 'first') return nothing;
    return html`<p class="small note">
      ${formatCount(waitingCount, 'action')} ${waitingCount === 1 ? 'waits' : 'wait'} on this device, to be
      sent when ${name ?? 'the same person'} signs in again.
    </p>`;
  }

  #renderStep() {
    const status = this._status;
    if (!status) {
      return this.#attempt.problem
        ? html`<button @click=${() => void this.#load()}>Try again</button>`
        : html`<hive-skeleton .lines=${4}></hive-skeleton>`;
    }
    if (this._notMember) return this.#renderNotMember();
    if (!status.hasOwner) return this.#renderNoOwner(status);
    if (this._step === 'second')
      return html`<hive-second-factor @done=${this.#onSecond} @again=${this.#onAgain}></hive-second-factor>`;
    if (this._step === 'recovery') return this.#renderRecovery();
    return this.#renderFirst(status);
  }

  #renderFirst({ methods }: HiveStatus) {
    const passkey = methods.passkey && passkeyObstacle() === undefined;
    const others = [
      ...(methods.github ? [{ provider: 'github' as const, label: 'GitHub' }] : []),
      ...(methods.google ? [{ provider: 'google' as const, label: 'Google' }] : []),
      ...(methods.oidc === null ? [] : [{ provider: 'oidc' as const, label: methods.oidc }]),
    ];
    const { blocked, busy } = this.#attempt;
    return html`
      <div class="stack">
        ${
          passkey
            ? html`
                <button class="primary wide" ?disabled=${blocked} @click=${this.#onPasskey}>
                  ${busy === 'passkey' ? 'Waiting for your passkey' : 'Sign in with a passkey'}
                </button>
                <p class="or">or</p>
              `
            : nothing
        }
        <form @submit=${this.#onPassword}>
          <div class="field">
            <label for="email">E-mail</label>
            <input
              id="email"
              name="email"
              type="email"
              autocomplete="username webauthn"
              autocapitalize="off"
              spellcheck="false"
              required
              .value=${this._email}
              @input=${(event: Event) => (this._email = (event.target as HTMLInputElement).value)}
            />
          </div>
          ${passwordField({
            label: 'Password',
            value: this._password,
            onInput: (value) => (this._password = value),
          })}
          <button class=${passkey ? 'wide' : 'primary wide'} ?disabled=${blocked}>
            ${busy === 'password' ? 'Signing in' : 'Sign in'}
          </button>
        </form>
        ${
          others.length > 0
            ? html`<p class="or">or</p>
                ${others.map(
                  ({ provider, label }) =>
                    html`<button ?disabled=${blocked} @click=${() => void this.#goTo(provider)}>
                      Continue with ${label}
                    </button>`,
                )}`
            : nothing
        }
        <div class="ways">
          <button type="button" @click=${() => this.#goToStep('recovery')}>Use a recovery code</button>
        </div>
        <hive-insecure-notice></hive-insecure-notice>
      </div>
    `;
  }

  #renderRecovery() {
    return html`
      <form @submit=${this.#onRecover}>
        <div class="field">
          <label for="email">E-mail</label>
          <input
            id="email"
            name="email"
            type="email"
            autocomplete="username"
            autocapitalize="off"
            spellcheck="false"
            required
            .value=${this._email}
            @input=${(event: Event) => (this._email = (event.target as HTMLInputElement).value)}
          />
        </div>
        <div class="field">
          <label for="recovery">Recovery code</label>
          <input
            id="recovery"
            name="recovery"
            class="code"
            type="text"
            autocomplete="off"
            autocapitalize="off"
            spellcheck="false"
            required
            maxlength="64"
            .value=${this._code}
            @input=${(event: Event) => (this._code = (event.target as HTMLInputElement).value)}
          />
        </div>
        <button class="primary wide" ?disabled=${this.#attempt.blocked}>Sign in</button>
        <div class="ways">
          <button type="button" @click=${() => this.#goToStep('first')}>Sign in another way</button>
        </div>
        <p class="fine muted">
          No codes left either? On the hive’s machine,
          <span class="mono command">npx -y pnpm@12 hive admin reset</span> makes a new setup link.
        </p>
      </form>
    `;
  }

  #renderNotMember() {
    return html`
      <p class="small">Ask an owner or admin for an invitation, then open its link on this device.</p>
      <div class="actions">
        <button ?disabled=${this.#attempt.blocked} @click=${this.#onOther}>Sign in as somebody else</button>
      </div>
    `;
  }

  #renderNoOwner({ local }: HiveStatus) {
    return local
      ? html`
          <p class="small">
            This hive has no owner, and you are at its machine: nobody needs to sign in. Settings is where you
            create your account.
          </p>
          <a class="button primary wide" href="/">Open the hive</a>
        `
      : html`
          <p class="small">
            This hive has no owner. Open the setup link that was printed where the hive was started. It is
            valid for 15 minutes; <span class="mono command">npx -y pnpm@12 hive admin link</span> on that
            machine makes a new one.
          </p>
        `;
  }

  async #load(): Promise<void> {
    await this.#attempt.run('status', async () => {
      const status = await readStatus();
      if (status.signedIn && !this._notMember && !(await this.#enter())) return;
      this._status = status;
    });
    this.#showRedirectProblem();
    if (this._status?.methods.passkey && this._step === 'first' && !this._notMember)
      void this.#offerInField();
  }

  /** What a provider sent the person back with. */
  #showRedirectProblem(): void {
    const problem = redirectProblem(location.search);
    if (problem && !this.#attempt.problem) this.#attempt.fail(problem);
  }

  /** Waits in the field for the e-mail: the browser offers the passkey among what it would fill in. */
  async #offerInField(): Promise<void> {
    this.#inField?.abort();
    this.#inField = new AbortController();
    const signIn = await offerInField(this.#inField.signal);
    if (!signIn) return;
    await this.#attempt.run('passkey', async () => {
      await signIn();
      await this.#enter();
    });
  }

  readonly #onPasskey = (): void => {
    // Only one request may be under way; the one in the field gives way.
    this.#inField?.abort();
    void this.#attempt.run('passkey', async () => {
      await signInWithPasskey();
      await this.#enter();
    });
  };

  readonly #onPassword = (event: Event): void => {
    event.preventDefault();
    void this.#attempt.run('password', async () => {
      const next = await signInWithPassword(this._email.trim(), this._password);
      this._password = '';
      if (next === 'SECOND_FACTOR') this.#goToStep('second');
      else await this.#enter();
    });
  };

  readonly #onSecond = (): void => void this.#attempt.run('enter', () => this.#enter());

  readonly #onAgain = (event: CustomEvent<AuthProblem | undefined>): void => {
    this.#goToStep('first');
    if (event.detail) this.#attempt.fail(event.detail);
  };

  readonly #onRecover = (event: Event): void => {
    event.preventDefault();
    void this.#attempt.run('recover', async () => {
      await recover(this._email.trim(), this._code);
      // Whoever needed a code has lost something: the next page is where to put that right.
      await this.#enter('/settings/security');
    });
  };

  /** In another tab of this browser: whoever has signed in there is signed in here. */
  readonly #onElsewhere = (): void => {
    if (this.#attempt.busy === undefined) void this.#load();
  };

  readonly #onOther = (): void => {
    void this.#attempt.run('sign-out', async () => {
      await signOut();
      await session.leave({ discardUnsent: false });
    });
  };

  async #goTo(provider: Provider): Promise<void> {
    const back = `/sign-in?to=${encodeURIComponent(pathAfterSignIn(location.search))}`;
    await this.#attempt.run(provider, async () => location.assign(await startOAuth(provider, back)));
  }

  #goToStep(step: Step): void {
    this.#inField?.abort();
    this._step = step;
    this._code = '';
    this.#attempt.clear();
    this.#focusFirst();
  }

  #focusFirst(): void {
    void this.updateComplete.then(() => this.renderRoot.querySelector('input')?.focus());
  }

  /** @returns whether the person has to be told something here; otherwise the page is being left */
  async #enter(path = pathAfterSignIn(location.search)): Promise<boolean> {
    if (path === '/join') {
      // Not a member of anything yet, perhaps: the invitation sees to that.
      location.assign(path);
      return false;
    }
    const problem = await session.enter(path);
    if (problem?.code === 'NOT_A_MEMBER') this._notMember = true;
    else if (problem) throw new AuthProblem(problem.code, problem.message);
    return problem !== undefined;
  }

  static override styles = [
    base,
    buttons,
    fields,
    form,
    css`
      .note {
        padding: var(--hive-3) var(--hive-4);
        border: var(--hive-stroke) dashed var(--hive-line);
        border-radius: var(--hive-radius);
      }
    `,
  ];
}

customElements.define('hive-sign-in-view', HiveSignInView);

declare global {
  interface HTMLElementTagNameMap {
    'hive-sign-in-view': HiveSignInView;
  }
}
