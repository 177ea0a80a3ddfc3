import { css, html, LitElement } from 'lit';
import { AttemptController } from '../controllers/attempt-controller.ts';
import { EventController } from '../controllers/event-controller.ts';
import {
  listLogins,
  listPasskeys,
  readAccount,
  readStatus,
  type Account,
  type Login,
  type Passkey,
  type SignInMethods,
} from '../data/auth-api.ts';
import { AuthProblem } from '../data/auth-problem.ts';
import { hive } from '../data/hive.ts';
import { session } from '../data/session.ts';
import { base, buttons, rows } from '../styles/base.ts';
import '../components/hive-auth-problem.ts';
import '../components/hive-connected-accounts.ts';
import '../components/hive-entry.ts';
import '../components/hive-local-card.ts';
import '../components/hive-page-header.ts';
import '../components/hive-passkeys.ts';
import '../components/hive-password.ts';
import '../components/hive-recovery.ts';
import '../components/hive-skeleton.ts';
import '../components/hive-two-factor.ts';

interface Ways {
  account: Account;
  passkeys: Passkey[];
  hasPassword: boolean;
  /** Accounts elsewhere that sign in here. */
  connected: Login[];
  methods: SignInMethods;
}

/** How one signs in: passkeys, password, one-time codes, recovery codes, other devices. */
export class HiveSecurityView extends LitElement {
  static override properties = { itemId: {}, _ways: { state: true } };

  declare itemId: string;
  declare _ways: Ways | undefined;
  #isStale = false;
  readonly #attempt = new AttemptController(this, () => void (this._ways || this.#load()));

  constructor() {
    super();
    this.itemId = '';
    new EventController(this, [session, 'change'], [hive.connection, 'change']);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    hive.signals.addEventListener('refresh', this.#onRefresh);
    void this.#load();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    hive.signals.removeEventListener('refresh', this.#onRefresh);
  }

  protected override render() {
    return html`
      <hive-page-header heading="Security" back-href="/settings" back-label="Settings"></hive-page-header>
      ${session.isLocal ? html`<hive-local-card></hive-local-card>` : this.#renderAccount()}
    `;
  }

  #renderAccount() {
    const ways = this._ways;
    if (!ways) {
      return this.#attempt.problem
        ? html`<div class="failed">
            <hive-auth-problem .problem=${this.#attempt.problem}></hive-auth-problem>
            <button @click=${() => void this.#load()}>Try again</button>
          </div>`
        : html`<hive-skeleton .lines=${6}></hive-skeleton>`;
    }
    const { account, passkeys, hasPassword, connected, methods } = ways;
    return html`
      <p class="small muted">Signed in as ${account.email}.</p>
      <section class="section">
        <h2>Passkeys</h2>
        <hive-passkeys
          .passkeys=${passkeys}
          .otherWays=${connected.length + (hasPassword ? 1 : 0)}
          @changed=${this.#onRefresh}
        ></hive-passkeys>
      </section>
      <section class="section">
        <h2>Password</h2>
        <hive-password
          ?exists=${hasPassword}
          .email=${account.email}
          @changed=${this.#onRefresh}
        ></hive-password>
      </section>
      <section class="section">
        <h2>One-time codes</h2>
        <hive-two-factor
          ?enabled=${account.twoFactorEnabled}
          .hasPassword=${hasPassword}
          .email=${account.email}
          @changed=${this.#onRefresh}
        ></hive-two-factor>
      </section>
      <hive-connected-accounts
        .methods=${methods}
        .connected=${connected}
        .otherWays=${passkeys.length + (hasPassword ? 1 : 0)}
        @changed=${this.#onRefresh}
      ></hive-connected-accounts>
      <section class="section">
        <h2>Recovery codes</h2>
        <hive-recovery .email=${account.email}></hive-recovery>
      </section>
      <section class="section">
        <h2>Other devices</h2>
        <ul class="rows">
          <li>
            <hive-entry
              href="/pair"
              heading="Pair another device"
              detail="With a code, nothing to type"
            ></hive-entry>
          </li>
          <li>
            <hive-entry
              href="/settings/sessions"
              heading="Devices and sessions"
              detail="Where you are signed in"
            ></hive-entry>
          </li>
        </ul>
      </section>
    `;
  }

  async #load(): Promise<void> {
    if (session.isLocal) return;
    if (this.#attempt.busy !== undefined) {
      // What is being asked for now may be from before the change that asks again.
      this.#isStale = true;
      return;
    }
    this.#isStale = false;
    await this.#attempt.run('load', async () => {
      const [account, passkeys, logins, { methods }] = await Promise.all([
        readAccount(),
        listPasskeys(),
        listLogins(),
        readStatus(),
      ]);
      if (!account) {
        void session.verify();
        throw new AuthProblem('UNAUTHENTICATED', 'You are signed out here.');
      }
      const connected = logins.filter(({ provider }) => provider !== 'credential');
      this._ways = { account, passkeys, hasPassword: connected.length < logins.length, connected, methods };
    });
    if (this.#isStale) await this.#load();
  }

  readonly #onRefresh = (): void => void this.#load();

  static override styles = [
    base,
    buttons,
    rows,
    css`
      .failed {
        display: grid;
        gap: var(--hive-4);
        justify-items: start;
      }
      hive-auth-problem {
        inline-size: 100%;
      }
    `,
  ];
}

customElements.define('hive-security-view', HiveSecurityView);

declare global {
  interface HTMLElementTagNameMap {
    'hive-security-view': HiveSecurityView;
  }
}
