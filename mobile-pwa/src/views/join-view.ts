import { html, LitElement, nothing } from 'lit';
import { AttemptController } from '../controllers/attempt-controller.ts';
import type { NewAccount } from '../components/hive-account-form.ts';
import {
  acceptInvitation,
  checkInvitation,
  readAccount,
  setPassword,
  signOut,
  type InvitationState,
} from '../data/auth-api.ts';
import { AuthProblem } from '../data/auth-problem.ts';
import { formatMoment } from '../data/format.ts';
import { dropLinkToken, takeLinkToken } from '../data/link-token.ts';
import { ROLES, ROLE_NAMES, ROLE_TEXTS } from '../data/member-role.ts';
import { session } from '../data/session.ts';
import { describeUserAgent } from '../data/user-agent.ts';
import { addPasskey, passkeyObstacle } from '../data/webauthn.ts';
import { signInPath } from '../routes.ts';
import { base, buttons, fields, rows } from '../styles/base.ts';
import { form } from '../styles/form.ts';
import '../components/hive-account-form.ts';
import '../components/hive-auth-problem.ts';
import '../components/hive-door.ts';
import '../components/hive-insecure-notice.ts';
import '../components/hive-recovery-codes.ts';
import '../components/hive-skeleton.ts';
import { passwordField } from '../components/password-field.ts';

type Step =
  | { at: 'checking' }
  | { at: 'invalid' }
  /** They belong to the workspace already: the link was not used up. */
  | { at: 'member' }
  | { at: 'offer'; account: { name: string; email: string } | undefined }
  /** The account exists and is in, but nothing to sign in with yet: the dialog for the passkey was closed. */
  | { at: 'credential' }
  | { at: 'codes' };

/** The page behind an invitation: joins a workspace, with the account one has or a new one. */
export class HiveJoinView extends LitElement {
  static override properties = { itemId: {}, _step: { state: true }, _password: { state: true } };

  declare itemId: string;
  declare _step: Step;
  declare _password: string;
  readonly #attempt = new AttemptController(this, () => void (this._step.at === 'checking' && this.#check()));
  readonly #token = takeLinkToken('join');
  #invitation: InvitationState | undefined;
  #codes: string[] = [];
  #email = '';

  constructor() {
    super();
    this.itemId = '';
    this._step = { at: 'checking' };
    this._password = '';
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.#check();
  }

  protected override render() {
    return html`
      <hive-door heading=${this.#heading} lead=${this.#lead}>
        ${this.#renderOffer()}
        <hive-auth-problem
          .problem=${this.#attempt.problem}
          .waitSeconds=${this.#attempt.waitSeconds}
        ></hive-auth-problem>
        ${this.#renderStep()}
      </hive-door>
    `;
  }

  get #heading(): string {
    const { at } = this._step;
    if (at === 'invalid') return this.#token ? 'This invitation is over' : 'No invitation here';
    if (at === 'member') return 'You are a member already';
    if (at === 'codes') return 'Save your recovery codes';
    if (at === 'credential') return 'Choose how to sign in';
    const name = this.#invitation?.workspaceName;
    return name ? `Join ${name}` : 'Invitation';
  }

  get #lead(): string {
    const { at } = this._step;
    if (at === 'invalid' && !this.#token)
      return 'The link is not complete. Open it once more, as it was sent to you.';
    if (at === 'member')
      return 'Your role stays as it is. The link has not been used: it still works for somebody else.';
    if (at === 'invalid')
      return 'It was used, taken back, or has expired. Ask whoever sent it for another one.';
    if (at === 'codes')
      return 'If you lose this device or forget the password, one of these lets you in. They are shown only now.';
    if (at === 'credential')
      return 'You have joined. Your account has no passkey or password yet; without one you could not come back.';
    return '';
  }

  #renderOffer() {
    const invitation = this.#invitation;
    if (this._step.at !== 'offer' || !invitation) return nothing;
    const role = ROLES.find((each) => each === invitation.role);
    return html`
      <dl class="facts panel">
        <dt>Workspace</dt>
        <dd>${invitation.workspaceName}</dd>
        <dt>Role</dt>
        <dd>
          ${role ? ROLE_NAMES[role] : invitation.role}
          ${role ? html`<p class="fine muted">${ROLE_TEXTS[role]}</p>` : nothing}
        </dd>
        ${
          invitation.expiresAt
            ? html`<dt>Valid until</dt>
                <dd>${formatMoment(invitation.expiresAt, Date.now())}</dd>`
            : nothing
        }
      </dl>
    `;
  }

  #renderStep() {
    const step = this._step;
    if (step.at === 'checking') {
      return this.#attempt.problem
        ? html`<button @click=${() => void this.#check()}>Try again</button>`
        : html`<hive-skeleton .lines=${4}></hive-skeleton>`;
    }
    if (step.at === 'invalid') return html`<a class="button" href="/">Open the hive</a>`;
    if (step.at === 'member') {
      return html`<button
        class="primary wide"
        ?disabled=${this.#attempt.blocked}
        @click=${() => void this.#attempt.run('enter', () => this.#enter())}
      >
        Open ${this.#invitation?.workspaceName}
      </button>`;
    }
    if (step.at === 'codes') {
      return html`<hive-recovery-codes
        .codes=${this.#codes}
        .account=${this.#email}
        proceed="Open the hive"
        @saved=${() => void this.#attempt.run('enter', () => this.#enter())}
      ></hive-recovery-codes>`;
    }
    if (step.at === 'credential') return this.#renderCredential();
    return step.account ? this.#renderJoin(step.account) : this.#renderNew();
  }

  #renderJoin({ name, email }: { name: string; email: string }) {
    return html`
      <div class="stack">
        <button class="primary wide" ?disabled=${this.#attempt.blocked} @click=${this.#onJoin}>
          Join as ${name || email}
        </button>
        <p class="fine muted">You are signed in as ${email}. Is the invitation for somebody else?</p>
        <div class="ways">
          <button type="button" ?disabled=${this.#attempt.blocked} @click=${this.#onOther}>
            Sign out and join as somebody else
          </button>
        </div>
      </div>
    `;
  }

  #renderNew() {
    return html`
      <hive-insecure-notice hash=${`#token=${this.#token}`}></hive-insecure-notice>
      <a class="button wide" href=${signInPath('/join')}>I have an account here</a>
      <p class="or">or create one</p>
      <hive-account-form
        ?passkeys=${passkeyObstacle() === undefined}
        ?blocked=${this.#attempt.blocked}
        busy=${this.#attempt.busy ?? ''}
        @create=${this.#onCreate}
      ></hive-account-form>
    `;
  }

  #renderCredential() {
    return html`
      <div class="stack">
        <button class="primary wide" ?disabled=${this.#attempt.blocked} @click=${this.#onPasskey}>
          Try the passkey again
        </button>
        <p class="or">or</p>
        <form @submit=${this.#onPassword}>
          ${passwordField({
            label: 'Password',
            isNew: true,
            value: this._password,
            onInput: (value) => (this._password = value),
          })}
          <button class="wide" ?disabled=${this.#attempt.blocked}>Use this password</button>
        </form>
      </div>
    `;
  }

  async #check(): Promise<void> {
    await this.#attempt.run('check', async () => {
      const invitation = this.#token ? await checkInvitation(this.#token) : undefined;
      this.#invitation = invitation;
      if (!invitation?.valid) this._step = { at: 'invalid' };
      else this._step = { at: 'offer', account: invitation.needsAccount ? undefined : await readAccount() };
    });
  }

  readonly #onJoin = (): void => {
    void this.#attempt.run('join', async () => {
      const { isNew } = await acceptInvitation({ token: this.#token });
      dropLinkToken('join');
      if (isNew) await this.#enter();
      else this._step = { at: 'member' };
    });
  };

  /** The link waits in this tab; what the person before has not sent waits for them. */
  readonly #onOther = (): void => {
    void this.#attempt.run('sign-out', async () => {
      await signOut();
      await session.leave({ discardUnsent: false, path: '/join' });
    });
  };

  readonly #onCreate = async (event: CustomEvent<NewAccount>): Promise<void> => {
    const account = event.detail;
    let isMade = false;
    await this.#attempt.run(
      account.password === undefined ? 'Waiting for your passkey' : 'Creating',
      async () => {
        const { recoveryCodes } = await acceptInvitation({ token: this.#token, ...account });
        isMade = true;
        dropLinkToken('join');
        this.#codes = recoveryCodes;
        this.#email = account.email;
        if (account.password === undefined) await addPasskey(describeUserAgent(navigator.userAgent));
        this._step = { at: 'codes' };
      },
    );
    if (isMade && this._step.at !== 'codes') this._step = { at: 'credential' };
    scrollTo(0, 0);
  };

  readonly #onPasskey = (): void => {
    void this.#attempt.run('passkey', async () => {
      await addPasskey(describeUserAgent(navigator.userAgent));
      this._step = { at: 'codes' };
    });
  };

  readonly #onPassword = (event: Event): void => {
    event.preventDefault();
    void this.#attempt.run('password', async () => {
      await setPassword(this._password);
      this._step = { at: 'codes' };
    });
  };

  async #enter(): Promise<void> {
    const problem = await session.enter('/', this.#invitation?.workspaceName);
    if (problem) throw new AuthProblem(problem.code, problem.message);
  }

  static override styles = [base, buttons, fields, rows, form];
}

customElements.define('hive-join-view', HiveJoinView);

declare global {
  interface HTMLElementTagNameMap {
    'hive-join-view': HiveJoinView;
  }
}
