import { css, html, LitElement, nothing } from 'lit';
import { AttemptController } from '../controllers/attempt-controller.ts';
import { announce } from '../data/announce.ts';
import {
  disconnect,
  startConnecting,
  type Login,
  type Provider,
  type SignInMethods,
} from '../data/auth-api.ts';
import { AuthProblem } from '../data/auth-problem.ts';
import { withStepUp } from '../data/step-up.ts';
import { base, buttons, rows } from '../styles/base.ts';
import './hive-auth-problem.ts';

/** Accounts elsewhere that sign in here. Nothing at all where the hive knows no provider. Fires `changed`. */
export class HiveConnectedAccounts extends LitElement {
  static override properties = {
    methods: { attribute: false },
    connected: { attribute: false },
    otherWays: { attribute: false },
  };

  declare methods: SignInMethods | undefined;
  declare connected: readonly Login[];
  /** How many ways to sign in there are besides. */
  declare otherWays: number;
  readonly #attempt = new AttemptController(this);

  constructor() {
    super();
    this.connected = [];
    this.otherWays = 0;
    const error = new URLSearchParams(location.search).get('error');
    if (error)
      this.#attempt.fail(new AuthProblem(error, `The other page answered: ${error.replaceAll('_', ' ')}.`));
  }

  protected override render() {
    const offered = this.#offered;
    if (offered.length === 0) return nothing;
    return html`
      <section class="section">
        <h2>Connected accounts</h2>
        <ul class="rows">
          ${offered.map(({ provider, name }) => html`<li>${this.#renderProvider(provider, name)}</li>`)}
        </ul>
        <hive-auth-problem
          .problem=${this.#attempt.problem}
          .waitSeconds=${this.#attempt.waitSeconds}
        ></hive-auth-problem>
      </section>
    `;
  }

  /** What can be signed in with: as configured, and what is still connected from before. */
  get #offered(): { provider: string; name: string }[] {
    const { github = false, google = false, oidc = null } = this.methods ?? {};
    const offered = [
      ...(github ? [{ provider: 'github', name: 'GitHub' }] : []),
      ...(google ? [{ provider: 'google', name: 'Google' }] : []),
      ...(oidc === null ? [] : [{ provider: 'oidc', name: oidc }]),
    ];
    const gone = this.connected.filter(({ provider }) => !offered.some((each) => each.provider === provider));
    return [...offered, ...gone.map(({ provider }) => ({ provider, name: provider }))];
  }

  #renderProvider(provider: string, name: string) {
    const login = this.connected.find((each) => each.provider === provider);
    const isLast = login !== undefined && this.connected.length + this.otherWays === 1;
    const { blocked } = this.#attempt;
    return html`
      <div class="account">
        <div>
          <h3>${name}</h3>
          <p class="fine muted">
            ${login ? (isLast ? 'Connected. Your only way to sign in.' : 'Connected') : 'Not connected'}
          </p>
        </div>
        ${
          login
            ? isLast
              ? nothing
              : html`<button
                  class="plain"
                  ?disabled=${blocked}
                  @click=${() => void this.#disconnect(login, name)}
                >
                  Disconnect<span class="hidden-text"> ${name}</span>
                </button>`
            : html`<button
                class="plain"
                ?disabled=${blocked}
                @click=${() => void this.#connect(provider as Provider)}
              >
                Connect<span class="hidden-text"> ${name}</span>
              </button>`
        }
      </div>
    `;
  }

  async #connect(provider: Provider): Promise<void> {
    await this.#attempt.run(provider, async () => {
      location.assign(await withStepUp(() => startConnecting(provider, '/settings/security')));
    });
  }

  async #disconnect(login: Login, name: string): Promise<void> {
    if (!(await this.#attempt.run('disconnect', () => withStepUp(() => disconnect(login.id))))) return;
    announce(`${name} no longer signs you in.`);
    this.dispatchEvent(new CustomEvent('changed'));
  }

  static override styles = [
    base,
    buttons,
    rows,
    css`
      .account {
        display: flex;
        align-items: center;
        justify-content: space-between;
        gap: var(--hive-4);
        padding-block: var(--hive-2);
      }
      .plain {
        padding-inline: 0;
      }
    `,
  ];
}

customElements.define('hive-connected-accounts', HiveConnectedAccounts);

declare global {
  interface HTMLElementTagNameMap {
    'hive-connected-accounts': HiveConnectedAccounts;
  }
}
