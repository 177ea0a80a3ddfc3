import { css, html, LitElement, nothing } from 'lit';
import { membersQuery } from '@hive/schema/operations/members.ts';
import { createWorkspaceMutation, leaveWorkspaceMutation } from '@hive/schema/operations/workspaces.ts';
import type { HiveConfirm } from '../components/hive-confirm.ts';
import { EventController } from '../controllers/event-controller.ts';
import { QueryController } from '../controllers/query-controller.ts';
import { SettledController } from '../controllers/settled-controller.ts';
import { act } from '../data/act.ts';
import { confirmAndSend } from '../data/direct.ts';
import { ROLE_NAMES } from '../data/member-role.ts';
import { session } from '../data/session.ts';
import { slugOf } from '../data/slug.ts';
import { base, buttons, fields, rows } from '../styles/base.ts';
import '../components/hive-confirm.ts';
import '../components/hive-not-allowed.ts';
import '../components/hive-page-header.ts';
import '../components/hive-pending.ts';
import '../components/hive-workspace-list.ts';

/** The workspace on screen, the others the person belongs to, and making a new one. */
export class HiveWorkspaceView extends LitElement {
  static override properties = {
    itemId: {},
    _name: { state: true },
    _newName: { state: true },
    _newSlug: { state: true },
    _problem: { state: true },
    _sending: { state: true },
  };

  declare itemId: string;
  /** Undefined: as it is. */
  declare _name: string | undefined;
  declare _newName: string;
  /** Undefined: made from the name. */
  declare _newSlug: string | undefined;
  declare _problem: { at: 'name' | 'new' | 'leave'; message: string } | undefined;
  declare _sending: boolean;

  /** An owner may leave only when there is another. */
  readonly #members = new QueryController(this, {
    query: membersQuery,
    variables: () =>
      session.viewer?.role === 'OWNER' && !session.isLocal ? { first: 100, after: null } : undefined,
  });

  constructor() {
    super();
    this.itemId = '';
    this._newName = '';
    this._sending = false;
    new EventController(this, [session, 'change']);
    new SettledController(this, ['updateWorkspace'], () => {
      this._name = undefined;
      void session.verify();
    });
  }

  protected override render() {
    const { viewer } = session;
    return html`
      <hive-page-header heading="Workspace" back-href="/settings" back-label="Settings">
        <p class="small muted">
          ${viewer ? `You are ${ROLE_NAMES[viewer.role].toLowerCase()} of ${viewer.workspaceName}.` : ''}
        </p>
      </hive-page-header>
      ${this.#renderName()}
      ${
        session.isLocal
          ? nothing
          : html`
              <section class="section">
                <h2>Your workspaces</h2>
                <hive-workspace-list></hive-workspace-list>
              </section>
              ${this.#renderCreate()} ${this.#renderLeave()}
            `
      }
    `;
  }

  #renderName() {
    const updating = session.may('workspace.update');
    const current = session.viewer?.workspaceName ?? '';
    if (!updating.allowed) {
      return html`<hive-not-allowed
        heading="Renaming is for admins"
        .message=${updating.message ?? ''}
      ></hive-not-allowed>`;
    }
    const changed = this._name !== undefined && this._name.trim() !== current;
    return html`
      <form novalidate @submit=${this.#onRename}>
        <label for="name">Name</label>
        <input
          id="name"
          type="text"
          maxlength="100"
          autocomplete="off"
          aria-invalid=${this._problem?.at === 'name' ? 'true' : 'false'}
          aria-describedby="name-problem"
          .value=${this._name ?? current}
          @input=${(event: Event) => {
            this._name = (event.target as HTMLInputElement).value;
            this._problem = undefined;
          }}
        />
        ${this.#renderProblem('name')}
        <hive-pending entity="workspace"></hive-pending>
        ${changed ? html`<button class="primary">Save the name</button>` : nothing}
      </form>
    `;
  }

  #renderCreate() {
    const creating = session.may('workspace.create');
    if (!creating.allowed) {
      return html`<p class="section fine muted">New workspaces are made by owners.</p>`;
    }
    const slug = this._newSlug ?? slugOf(this._newName);
    return html`
      <details class="fold section">
        <summary><h2>New workspace</h2></summary>
        <form novalidate @submit=${this.#onCreate}>
          <p class="small muted">
            A place of its own: goals, agents, folders, members and keys of one are out of sight in every
            other. You become its owner.
          </p>
          <label for="new-name">Name</label>
          <input
            id="new-name"
            type="text"
            maxlength="100"
            autocomplete="off"
            aria-describedby="new-problem"
            .value=${this._newName}
            @input=${(event: Event) => {
              this._newName = (event.target as HTMLInputElement).value;
              this._problem = undefined;
            }}
          />
          <label for="new-slug">Short name</label>
          <input
            id="new-slug"
            type="text"
            class="mono"
            maxlength="40"
            autocapitalize="off"
            autocomplete="off"
            spellcheck="false"
            aria-describedby="slug-hint"
            .value=${slug}
            @input=${(event: Event) => {
              this._newSlug = (event.target as HTMLInputElement).value;
              this._problem = undefined;
            }}
          />
          <p id="slug-hint" class="fine muted">
            Small letters, digits and hyphens; no other workspace of this hive may have it.
          </p>
          ${this.#renderProblem('new')}
          <button class="primary">${this._sending ? 'Making it' : 'Make the workspace'}</button>
        </form>
      </details>
    `;
  }

  #renderLeave() {
    const { viewer } = session;
    if (!viewer || !session.may('member.leave').allowed) return nothing;
    if (this.#isOnlyOwner) {
      return html`<hive-not-allowed
        class="section"
        heading="The only owner"
        message="You are the only owner, and a workspace keeps at least one. Make somebody else an owner first."
      ></hive-not-allowed>`;
    }
    return html`
      <div class="section leave">
        <button
          class="danger"
          @click=${() => this.renderRoot.querySelector<HiveConfirm>('hive-confirm')?.show()}
        >
          Leave ${viewer.workspaceName}
        </button>
        ${this.#renderProblem('leave')}
      </div>
      <hive-confirm
        .heading=${`Leave ${viewer.workspaceName}?`}
        text="You lose access to it at once, and the keys you made in it end. Only a new invitation brings you back."
        action="Leave"
        keep="Stay"
        @confirmed=${this.#onLeave}
      ></hive-confirm>
    `;
  }

  get #isOnlyOwner(): boolean {
    const members = this.#members.data?.members;
    if (session.viewer?.role !== 'OWNER' || !members || members.pageInfo.hasNextPage) return false;
    return members.edges.filter(({ node }) => node.role === 'OWNER').length < 2;
  }

  #renderProblem(at: 'name' | 'new' | 'leave') {
    const message = this._problem?.at === at ? this._problem.message : '';
    return html`<p id=${`${at}-problem`} class="small problem" role="alert" ?hidden=${message === ''}>
      ${message}
    </p>`;
  }

  readonly #onRename = (event: Event): void => {
    event.preventDefault();
    const name = (this._name ?? '').trim();
    if (name === '') {
      this._problem = { at: 'name', message: 'It needs a name.' };
      return;
    }
    void act('updateWorkspace', { name }, `Rename the workspace to “${name}”`);
  };

  readonly #onCreate = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (this._sending) return;
    const name = this._newName.trim();
    const slug = (this._newSlug ?? slugOf(name)).trim();
    if (name === '' || slug === '') {
      const message = name === '' ? 'It needs a name.' : 'It needs a short name, for example “team”.';
      this._problem = { at: 'new', message };
      return;
    }
    this._problem = undefined;
    this._sending = true;
    const outcome = await confirmAndSend(createWorkspaceMutation, { name, slug });
    this._sending = false;
    if (outcome.ok) session.switchWorkspace(outcome.value.workspaceId, '/settings/workspace');
    else this._problem = { at: 'new', message: outcome.message };
  };

  readonly #onLeave = async (): Promise<void> => {
    this._problem = undefined;
    const outcome = await confirmAndSend(leaveWorkspaceMutation, {});
    // Where to next is for the session to find: another workspace, or none.
    if (outcome.ok) await session.verify();
    else this._problem = { at: 'leave', message: outcome.message };
  };

  static override styles = [
    base,
    buttons,
    fields,
    rows,
    css`
      form {
        display: grid;
        gap: var(--hive-2);
      }
      form button {
        margin-block-start: var(--hive-2);
      }
      .leave {
        display: grid;
        gap: var(--hive-3);
        justify-items: start;
      }
      .problem {
        color: var(--hive-failed);
        font-weight: 600;
      }
    `,
  ];
}

customElements.define('hive-workspace-view', HiveWorkspaceView);

declare global {
  interface HTMLElementTagNameMap {
    'hive-workspace-view': HiveWorkspaceView;
  }
}
