import { css, html, LitElement, nothing } from 'lit';
import { EventController } from '../controllers/event-controller.ts';
import { hive } from '../data/hive.ts';
import { ROLE_NAMES } from '../data/member-role.ts';
import { session } from '../data/session.ts';
import { readTheme, saveTheme, type Theme } from '../data/theme.ts';
import type { Viewer } from '../data/viewer.ts';
import { navigate } from '../navigation.ts';
import { base, buttons, rows } from '../styles/base.ts';
import '../components/hive-entry.ts';
import '../components/hive-filter.ts';
import '../components/hive-local-card.ts';
import '../components/hive-page-header.ts';
import '../components/hive-person.ts';
import '../components/hive-sign-out.ts';
import '../components/hive-skeleton.ts';

const THEMES = [
  { value: 'system', label: 'As the system' },
  { value: 'light', label: 'Light' },
  { value: 'dark', label: 'Dark' },
];

/** Where sections were before they became pages: links out there still name them. */
const MOVED: Readonly<Record<string, string>> = {
  '#models': '/settings/models',
  '#projects': '/settings/projects',
};

interface Entry {
  href: string;
  heading: string;
  detail: string;
  /** Absent when the person may not do this. */
  needs?: string;
}

/** The way to everything that is set rather than done. What the person may not open is not offered. */
export class HiveSettingsView extends LitElement {
  static override properties = { itemId: {}, _theme: { state: true } };

  declare itemId: string;
  declare _theme: Theme;

  constructor() {
    super();
    this.itemId = '';
    this._theme = readTheme();
    new EventController(this, [session, 'change'], [hive.connection, 'change']);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    const moved = MOVED[location.hash];
    if (moved) navigate(moved, { replace: true });
  }

  protected override render() {
    const { viewer } = session;
    return html`
      <hive-page-header heading="Settings" back-href="/dispatch" back-label="Dispatch"></hive-page-header>
      ${viewer ? this.#renderPerson(viewer) : html`<hive-skeleton .lines=${3}></hive-skeleton>`}
      ${viewer ? this.#renderWorkspace(viewer) : nothing}
      ${renderEntries('Hive', [
        {
          href: '/settings/models',
          heading: 'Language models',
          detail: 'Which are connected, and how to connect one',
        },
        { href: '/settings/projects', heading: 'Projects', detail: 'Folders the hive may read' },
      ])}
      <section class="section">
        <h2>This device</h2>
        <hive-filter
          label="Appearance"
          .options=${THEMES}
          .value=${this._theme}
          @choose=${this.#onTheme}
        ></hive-filter>
        <ul class="rows">
          <li>
            <hive-entry href="/settings/about" heading="About" .detail=${this.#describeHive()}></hive-entry>
          </li>
        </ul>
      </section>
    `;
  }

  #renderPerson(viewer: Viewer) {
    if (!viewer.person) return session.isLocal ? html`<hive-local-card></hive-local-card>` : nothing;
    const { name, email } = viewer.person;
    return html`
      <section class="you">
        <div class="who">
          <hive-person .name=${name}></hive-person>
          <div class="text">
            <p class="name">${name}</p>
            <p class="fine muted">${email}</p>
            <p class="fine muted">${ROLE_NAMES[viewer.role]} of ${viewer.workspaceName}</p>
          </div>
        </div>
        <hive-sign-out></hive-sign-out>
      </section>
      ${renderEntries('You', [
        {
          href: '/settings/security',
          heading: 'Security',
          detail: 'Passkeys, password, one-time codes, another device',
        },
        {
          href: '/settings/sessions',
          heading: 'Devices and sessions',
          detail: 'Where you are signed in',
          needs: 'session.read',
        },
        { href: '/settings/privacy', heading: 'Privacy', detail: 'Export or erase what is kept about you' },
      ])}
    `;
  }

  #renderWorkspace(viewer: Viewer) {
    const people: Entry[] = viewer.person
      ? [
          {
            href: '/settings/members',
            heading: 'Members',
            detail: session.may('member.invite').allowed
              ? 'Roles, projects, invitations'
              : 'Who is here, in which role',
            needs: 'member.read',
          },
          { href: '/settings/keys', heading: 'API keys', detail: 'For programs' },
        ]
      : [];
    const entries: Entry[] = [
      {
        href: '/settings/workspace',
        heading: 'Workspace',
        detail: describeWorkspacePage(viewer),
      },
      ...people,
      { href: '/settings/audit', heading: 'Audit trail', detail: 'Who did what', needs: 'audit.read' },
      {
        href: '/settings/secrets',
        heading: 'Secrets',
        detail: 'Keys of model providers, kept encrypted',
        needs: 'secret.read',
      },
    ];
    const hidden = entries.filter(({ needs }) => needs !== undefined && !session.may(needs).allowed);
    const names = hidden.map(({ heading }) => heading.toLowerCase());
    return html`
      ${renderEntries(viewer.workspaceName, entries)}
      ${
        hidden.length > 0
          ? html`<p class="fine muted hidden-ones">
              ${capitalise(names.join(' and '))}
              ${names.length === 1 && !names[0]?.endsWith('s') ? 'is' : 'are'} for admins; you are
              ${ROLE_NAMES[viewer.role].toLowerCase()} here.
            </p>`
          : nothing
      }
    `;
  }

  #describeHive(): string {
    const state = { live: 'connected', connecting: 'connecting', offline: 'not connected' };
    return `${location.host}, ${state[hive.connection.status]}`;
  }

  readonly #onTheme = (event: CustomEvent<string>): void => {
    this._theme = event.detail as Theme;
    saveTheme(this._theme);
  };

  static override styles = [
    base,
    buttons,
    rows,
    css`
      .you {
        display: grid;
        gap: var(--hive-3);
        padding: var(--hive-4);
        border-radius: var(--hive-4);
        background: var(--hive-surface);
      }
      .who {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--hive-3);
      }
      .who hive-person {
        --hive-person-size: var(--hive-12);
      }
      .text {
        flex: 1 1 9rem;
        min-inline-size: 0;
        overflow-wrap: anywhere;
      }
      .name {
        font-weight: 600;
        line-height: 1.35;
      }
      .hidden-ones {
        margin-block-start: var(--hive-2);
      }
    `,
  ];
}

function renderEntries(heading: string, entries: readonly Entry[]) {
  const open = entries.filter(({ needs }) => needs === undefined || session.may(needs).allowed);
  if (open.length === 0) return nothing;
  return html`
    <section class="section">
      <h2>${heading}</h2>
      <ul class="rows">
        ${open.map(
          ({ href, heading: name, detail }) =>
            html`<li><hive-entry .href=${href} .heading=${name} .detail=${detail}></hive-entry></li>`,
        )}
      </ul>
    </section>
  `;
}

function describeWorkspacePage({ person, workspaces }: Viewer): string {
  const parts = ['Name'];
  if (workspaces.length > 1) parts.push('switch to another');
  if (person && session.may('workspace.create').allowed) parts.push('make a new one');
  if (person) parts.push('leave');
  return parts.join(', ');
}

function capitalise(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

customElements.define('hive-settings-view', HiveSettingsView);

declare global {
  interface HTMLElementTagNameMap {
    'hive-settings-view': HiveSettingsView;
  }
}
