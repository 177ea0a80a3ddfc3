import { html, LitElement } from 'lit';
import { AttemptController } from '../controllers/attempt-controller.ts';
import { claimPairing, readStatus } from '../data/auth-api.ts';
import { AuthProblem } from '../data/auth-problem.ts';
import { dropLinkToken, takeLinkToken } from '../data/link-token.ts';
import { session } from '../data/session.ts';
import { describeUserAgent } from '../data/user-agent.ts';
import { signInPath } from '../routes.ts';
import { base, buttons, fields } from '../styles/base.ts';
import { form } from '../styles/form.ts';
import '../components/hive-auth-problem.ts';
import '../components/hive-door.ts';
import '../components/hive-skeleton.ts';

type Step = 'checking' | 'show' | 'claim' | 'over' | 'sign-in';

/** Where a second device is signed in: the first one shows a code here, the second one opens it. */
export class HivePairView extends LitElement {
  static override properties = {
    itemId: {},
    _step: { state: true },
    _name: { state: true },
    _pairing: { state: true },
  };

  declare itemId: string;
  declare _step: Step;
  declare _name: string;
  /** What became of the code shown here. */
  declare _pairing: string;
  readonly #attempt = new AttemptController(this, () => void (this._step === 'checking' && this.#check()));
  readonly #token = takeLinkToken('pair');
  #signedIn = false;

  constructor() {
    super();
    this.itemId = '';
    this._step = 'checking';
    this._pairing = 'WAITING';
    this._name = describeUserAgent(navigator.userAgent);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.#check();
  }

  protected override render() {
    return html`
      <hive-door heading=${this.#heading} lead=${this.#lead}>
        <hive-auth-problem
          .problem=${this.#attempt.problem}
          .waitSeconds=${this.#attempt.waitSeconds}
        ></hive-auth-problem>
        ${this.#renderStep()}
      </hive-door>
    `;
  }

  get #heading(): string {
    if (this._step === 'claim') return 'Sign in on this device';
    if (this._step === 'over') return 'This code is over';
    if (this._pairing === 'CLAIMED') return 'Paired';
    if (this._pairing === 'UNDONE') return 'Not paired';
    return 'Pair another device';
  }

  get #lead(): string {
    if (this._step === 'claim')
      return 'The code is from a device that is signed in. This one will be signed in as the same person.';
    if (this._step === 'over') return 'It was used already, or its five minutes have passed.';
    if (this._step === 'show' && this._pairing === 'WAITING')
      return 'Scan this with the camera of the other device, and open the link.';
    return '';
  }

  #renderStep() {
    switch (this._step) {
      case 'checking':
        return this.#attempt.problem
          ? html`<button @click=${() => void this.#check()}>Try again</button>`
          : html`<hive-skeleton .lines=${4}></hive-skeleton>`;
      case 'show':
        return html`<hive-pairing
            @state=${(event: CustomEvent<string>) => (this._pairing = event.detail)}
          ></hive-pairing>
          <a class="button" href="/settings/security">Done</a>`;
      case 'claim':
        return this.#renderClaim();
      case 'over':
        return html`
          <p class="small">Show a new one on the other device: Settings, Security, Pair another device.</p>
          <a class="button" href="/sign-in">Sign in another way</a>
        `;
      case 'sign-in':
        return html`
          <p class="small">Codes are shown on a device that is signed in already. This one is not.</p>
          <a class="button primary wide" href=${signInPath('/settings/security')}>Sign in</a>
        `;
    }
  }

  #renderClaim() {
    return html`
      <form @submit=${this.#onClaim}>
        <div class="field">
          <label for="device">Name of this device</label>
          <input
            id="device"
            type="text"
            maxlength="60"
            required
            autocomplete="off"
            aria-describedby="device-hint"
            .value=${this._name}
            @input=${(event: Event) => (this._name = (event.target as HTMLInputElement).value)}
          />
          <p id="device-hint" class="fine muted">
            For the list of devices, where it can be signed out again.
          </p>
        </div>
        ${
          this.#signedIn
            ? html`<p class="small">Somebody is signed in here already. They are signed out by this.</p>`
            : ''
        }
        <button class="primary wide" ?disabled=${this.#attempt.blocked}>Sign in on this device</button>
        <p class="fine muted">
          You did not ask for this? Close the page; nothing happens until you press the button.
        </p>
      </form>
    `;
  }

  async #check(): Promise<void> {
    await this.#attempt.run('check', async () => {
      this.#signedIn = (await readStatus()).signedIn;
      if (this.#token) this._step = 'claim';
      else if (this.#signedIn) {
        await import('../components/hive-pairing.ts');
        this._step = 'show';
      } else this._step = 'sign-in';
    });
  }

  readonly #onClaim = async (event: Event): Promise<void> => {
    event.preventDefault();
    await this.#attempt.run('claim', async () => {
      await claimPairing(this.#token, this._name.trim());
      dropLinkToken('pair');
      const problem = await session.enter('/');
      if (problem) throw new AuthProblem(problem.code, problem.message);
    });
    if (this.#attempt.problem?.code !== 'INVALID_TOKEN') return;
    dropLinkToken('pair');
    this.#attempt.clear();
    this._step = 'over';
  };

  static override styles = [base, buttons, fields, form];
}

customElements.define('hive-pair-view', HivePairView);

declare global {
  interface HTMLElementTagNameMap {
    'hive-pair-view': HivePairView;
  }
}
