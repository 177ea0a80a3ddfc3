import { html, LitElement, nothing } from 'lit';
import { AttemptController } from '../controllers/attempt-controller.ts';
import type { NewAccount } from '../components/hive-account-form.ts';
import { checkSetup, finishSetup, readStatus, setUp } from '../data/auth-api.ts';
import { AuthProblem } from '../data/auth-problem.ts';
import { formatMoment } from '../data/format.ts';
import { dropLinkToken, takeLinkToken } from '../data/link-token.ts';
import { session } from '../data/session.ts';
import { describeUserAgent } from '../data/user-agent.ts';
import { addPasskey, passkeyObstacle } from '../data/webauthn.ts';
import { base, buttons } from '../styles/base.ts';
import { form } from '../styles/form.ts';
import '../components/hive-account-form.ts';
import '../components/hive-auth-problem.ts';
import '../components/hive-door.ts';
import '../components/hive-insecure-notice.ts';
import '../components/hive-recovery-codes.ts';
import '../components/hive-skeleton.ts';

type Step =
  | { at: 'checking' }
  | { at: 'account'; name: string; email: string; expiresAt: string | null; exists: boolean }
  | { at: 'codes'; codes: string[]; email: string }
  | { at: 'no-link'; hasOwner: boolean; local: boolean; signedIn: boolean };

/** The page behind the one-time link: makes the owner's account, or gives a lost one back. */
export class HiveSetupView extends LitElement {
  static override properties = { itemId: {}, _step: { state: true } };

  declare itemId: string;
  declare _step: Step;
  readonly #attempt = new AttemptController(this, () => void (this._step.at === 'checking' && this.#check()));
  readonly #token = takeLinkToken('setup');

  constructor() {
    super();
    this.itemId = '';
    this._step = { at: 'checking' };
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.#check();
  }

  protected override render() {
    return html`
      <hive-door heading=${this.#heading} lead=${this.#lead}>
        ${
          this._step.at === 'account'
            ? html`<hive-insecure-notice hash=${`#token=${this.#token}`}></hive-insecure-notice>`
            : nothing
        }
        <hive-auth-problem
          .problem=${this.#attempt.problem}
          .waitSeconds=${this.#attempt.waitSeconds}
        ></hive-auth-problem>
        ${this.#renderStep()}
      </hive-door>
    `;
  }

  get #heading(): string {
    const step = this._step;
    if (step.at === 'codes') return 'Save your recovery codes';
    if (step.at === 'no-link') return step.hasOwner ? 'This hive has an owner' : 'This link is not valid';
    return step.at === 'account' && step.exists ? 'Choose how you sign in' : 'Make this hive yours';
  }

  get #lead(): string {
    const step = this._step;
    if (step.at === 'codes')
      return 'If you lose this device or forget the password, one of these lets you in. They are shown only now.';
    if (step.at === 'account')
      // After a reset on the machine, and when the dialog for the first passkey was closed.
      return step.exists
        ? 'The account is there, but nothing signs in to it. Make a way in now.'
        : 'You will be its owner. From then on everybody signs in, at this machine too, and you invite the others.';
    return '';
  }

  #renderStep() {
    const step = this._step;
    if (step.at === 'checking') {
      return this.#attempt.problem
        ? html`<button @click=${() => void this.#check()}>Try again</button>`
        : html`<hive-skeleton .lines=${4}></hive-skeleton>`;
    }
    if (step.at === 'no-link') return this.#renderNoLink(step);
    if (step.at === 'codes') {
      return html`<hive-recovery-codes
        .codes=${step.codes}
        .account=${step.email}
        proceed="Open the hive"
        @saved=${this.#onSaved}
      ></hive-recovery-codes>`;
    }
    return html`
      <hive-account-form
        ?passkeys=${passkeyObstacle() === undefined}
        ?blocked=${this.#attempt.blocked}
        ?exists=${step.exists}
        busy=${this.#attempt.busy ?? ''}
        .name=${step.name}
        .email=${step.email}
        @create=${this.#onCreate}
      ></hive-account-form>
      ${
        step.expiresAt
          ? html`<p class="fine muted">
              This link works once, until ${formatMoment(step.expiresAt, Date.now())}.
            </p>`
          : nothing
      }
    `;
  }

  #renderNoLink({ hasOwner, local, signedIn }: Step & { at: 'no-link' }) {
    if (signedIn) {
      return html`
        <p class="small">You are signed in. Others join by an invitation, from Settings, Members.</p>
        <a class="button primary wide" href="/">Open the hive</a>
      `;
    }
    if (hasOwner) {
      return html`
        <p class="small">Sign in, or ask its owner for an invitation.</p>
        <a class="button primary wide" href="/sign-in">Sign in</a>
        <p class="fine muted">
          Lost every way in? On the hive’s machine,
          <span class="mono command">npx -y pnpm@12 hive admin reset</span> prints a new link.
        </p>
      `;
    }
    return html`
      <p class="small">
        It was used, or its 15 minutes are over. For a new one start the hive again, or run
        <span class="mono command">npx -y pnpm@12 hive admin link</span> on its machine.
      </p>
      ${local ? html`<a class="button" href="/settings">Open the hive without an account</a>` : nothing}
    `;
  }

  async #check(): Promise<void> {
    await this.#attempt.run('check', async () => {
      const [status, link] = await Promise.all([
        readStatus(),
        this.#token ? checkSetup(this.#token) : { valid: false, expiresAt: null, name: '', email: '' },
      ]);
      const { valid, expiresAt, name, email } = link;
      this._step = valid
        ? { at: 'account', name, email, expiresAt, exists: email !== '' }
        : { at: 'no-link', ...status };
    });
  }

  readonly #onCreate = async (event: CustomEvent<NewAccount>): Promise<void> => {
    const account = event.detail;
    const { password } = account;
    await this.#attempt.run(password === undefined ? 'Waiting for your passkey' : 'Creating', async () => {
      const { recoveryCodes } = await setUp({ token: this.#token, ...account });
      if (password === undefined) {
        // The link stays valid until there is a passkey: whoever closes the dialog can try again, or take a password.
        await addPasskey(describeUserAgent(navigator.userAgent));
        await finishSetup();
      }
      dropLinkToken('setup');
      this._step = { at: 'codes', codes: recoveryCodes, email: account.email };
      scrollTo(0, 0);
    });
    if (this.#attempt.problem?.code === 'INVALID_TOKEN') await this.#check();
  };

  readonly #onSaved = (): void => {
    void this.#attempt.run('enter', async () => {
      const problem = await session.enter('/');
      if (problem) throw new AuthProblem(problem.code, problem.message);
    });
  };

  static override styles = [base, buttons, form];
}

customElements.define('hive-setup-view', HiveSetupView);

declare global {
  interface HTMLElementTagNameMap {
    'hive-setup-view': HiveSetupView;
  }
}
