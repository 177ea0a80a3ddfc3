import { css, html, LitElement, nothing } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { HiveConfirm } from '../components/hive-confirm.ts';
import { ClockController } from '../controllers/clock-controller.ts';
import { EventController } from '../controllers/event-controller.ts';
import { announce } from '../data/announce.ts';
import { listSessions, revokeOtherSessions, revokeSession, type SignedInDevice } from '../data/auth-api.ts';
import { asProblem } from '../data/auth-problem.ts';
import { NEEDS_CONNECTION } from '../data/direct.ts';
import { formatAge, formatDay } from '../data/format.ts';
import { hive } from '../data/hive.ts';
import { session } from '../data/session.ts';
import { describeUserAgent } from '../data/user-agent.ts';
import { base, buttons, rows } from '../styles/base.ts';
import '../components/hive-confirm.ts';
import '../components/hive-not-allowed.ts';
import '../components/hive-page-header.ts';
import '../components/hive-skeleton.ts';

const METHODS: Readonly<Record<string, string>> = {
  PASSWORD: 'password',
  PASSKEY: 'passkey',
  'OAUTH:github': 'GitHub',
  'OAUTH:google': 'Google',
  'OAUTH:oidc': 'single sign-on',
  PAIRING: 'pairing code',
  RECOVERY: 'recovery code',
  SETUP: 'setup link',
  INVITATION: 'invitation',
};

/** Where the person is signed in, and the way to end any of it. */
export class HiveSessionsView extends LitElement {
  static override properties = {
    itemId: {},
    _devices: { state: true },
    _problem: { state: true },
    _asked: { state: true },
  };

  declare itemId: string;
  declare _devices: SignedInDevice[] | undefined;
  declare _problem: { code: string; message: string } | undefined;
  declare _asked: SignedInDevice | undefined;

  constructor() {
    super();
    this.itemId = '';
    new EventController(this, [session, 'change'], [hive.connection, 'change']);
    new ClockController(this, () => 30_000);
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
      <hive-page-header
        heading="Devices and sessions"
        back-href="/settings"
        back-label="Settings"
      ></hive-page-header>
      ${session.isLocal ? this.#renderLocal() : this.#renderList()}
    `;
  }

  #renderLocal() {
    return html`<hive-not-allowed
      heading="Nobody signs in yet"
      message="The hive has no owner. Once it has one, every device that is signed in is listed here."
    ></hive-not-allowed>`;
  }

  #renderList() {
    const devices = this._devices;
    if (!devices) {
      if (!this._problem) return html`<hive-skeleton .lines=${3}></hive-skeleton>`;
      const offline = hive.connection.status === 'offline';
      return html`
        <div class="panel">
          <h2 class="title">${offline ? 'Not on this phone' : 'The hive could not answer'}</h2>
          <p class="small muted">
            ${offline ? 'Where you are signed in is asked for each time. It loads once the hive can be reached.' : this._problem.message}
          </p>
          ${offline ? nothing : html`<button @click=${() => void this.#load()}>Try again</button>`}
        </div>
      `;
    }
    const others = devices.filter(({ current }) => !current);
    return html`
      ${this._problem ? html`<p class="small problem" role="alert">${this._problem.message}</p>` : nothing}
      <ul class="rows">
        ${repeat(
          devices,
          ({ id }) => id,
          (device) => html`<li>${this.#renderDevice(device)}</li>`,
        )}
      </ul>
      ${
        others.length > 0
          ? html`<div class="section actions">
              <button class="danger" @click=${() => this.#confirm('#others')}>
                Sign out everywhere else
              </button>
            </div>`
          : html`<p class="section small muted">
              You are signed in nowhere else.
              <a href="/settings/security">Add a device</a> under Security.
            </p>`
      }
      <hive-confirm
        id="one"
        .heading=${`Sign out ${this._asked ? nameOf(this._asked) : ''}?`}
        text="It is signed out within two seconds. What it had not sent yet stays on it and is sent after its next sign-in."
        action="Sign out"
        keep="Leave it"
        @confirmed=${this.#onOne}
      ></hive-confirm>
      <hive-confirm
        id="others"
        .heading=${`Sign out ${others.length === 1 ? 'the other device' : `${others.length} other devices`}?`}
        text="Everything but this device has to sign in again. Do this when one of them is lost."
        action="Sign out"
        keep="Leave them"
        @confirmed=${this.#onOthers}
      ></hive-confirm>
    `;
  }

  #renderDevice(device: SignedInDevice) {
    const { current, method, address, updatedAt, createdAt } = device;
    const active = current ? 'Active now' : updatedAt ? `Active ${formatAge(updatedAt, Date.now())}` : '';
    const by = method ? `signed in by ${METHODS[method] ?? method}` : 'signed in';
    const since = createdAt ? `${by} on ${formatDay(createdAt)}` : by;
    return html`
      <div class="device">
        <div class="text">
          <h2 class="title">
            ${nameOf(device)} ${current ? html`<span class="mark fine">This device</span>` : nothing}
          </h2>
          <p class="fine muted">${[active, address].filter(Boolean).join(' · ')}</p>
          <p class="fine muted">${since[0]?.toUpperCase()}${since.slice(1)}</p>
        </div>
        ${
          current
            ? nothing
            : html`<button
                aria-label=${`Sign out ${nameOf(device)}`}
                @click=${() => {
                  this._asked = device;
                  this.#confirm('#one');
                }}
              >
                Sign out
              </button>`
        }
      </div>
    `;
  }

  #confirm(id: '#one' | '#others'): void {
    if (hive.connection.status === 'offline') {
      this._problem = { code: 'OFFLINE', message: NEEDS_CONNECTION };
      return;
    }
    this._problem = undefined;
    this.renderRoot.querySelector<HiveConfirm>(id)?.show();
  }

  readonly #onRefresh = (): void => void this.#load();

  readonly #onOne = (): void => {
    const device = this._asked;
    if (device) void this.#change(() => revokeSession(device.id), `${nameOf(device)} is signed out.`);
  };

  readonly #onOthers = (): void => {
    void this.#change(revokeOtherSessions, 'Signed out everywhere else.');
  };

  async #change(change: () => Promise<void>, done: string): Promise<void> {
    try {
      await change();
      announce(done);
    } catch (error) {
      this._problem = asProblem(error);
      return;
    }
    await this.#load();
  }

  async #load(): Promise<void> {
    if (session.isLocal) return;
    try {
      this._devices = await listSessions();
      this._problem = undefined;
    } catch (error) {
      const problem = asProblem(error);
      if (problem.code === 'UNAUTHENTICATED') void session.verify();
      this._problem = problem;
    }
  }

  static override styles = [
    base,
    buttons,
    rows,
    css`
      .device {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--hive-3);
        padding-block: var(--hive-3);
      }
      .text {
        flex: 1 1 11rem;
        min-inline-size: 0;
        overflow-wrap: anywhere;
      }
      .mark {
        display: inline-block;
        padding: 0 var(--hive-2);
        border: var(--hive-stroke) solid var(--hive-done);
        border-radius: var(--hive-radius-small);
        color: var(--hive-done);
        font-weight: 600;
        white-space: nowrap;
      }
      .panel {
        display: grid;
        gap: var(--hive-2);
        justify-items: start;
      }
      .problem {
        margin-block-end: var(--hive-3);
        color: var(--hive-failed);
        font-weight: 600;
      }
    `,
  ];
}

function nameOf({ deviceName, userAgent }: SignedInDevice): string {
  return deviceName ? deviceName : describeUserAgent(userAgent);
}

customElements.define('hive-sessions-view', HiveSessionsView);

declare global {
  interface HTMLElementTagNameMap {
    'hive-sessions-view': HiveSessionsView;
  }
}
