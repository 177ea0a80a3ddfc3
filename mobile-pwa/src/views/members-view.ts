import { css, html, LitElement, nothing } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { ResultOf } from '@hive/schema/operations/graphql.ts';
import { invitationsQuery, membersQuery } from '@hive/schema/operations/members.ts';
import { describeAccess } from '../components/hive-project-access.ts';
import type { HiveConfirm } from '../components/hive-confirm.ts';
import { ClockController } from '../controllers/clock-controller.ts';
import { EventController } from '../controllers/event-controller.ts';
import { PagedController } from '../controllers/paged-controller.ts';
import { QueryController } from '../controllers/query-controller.ts';
import { SettledController } from '../controllers/settled-controller.ts';
import { act } from '../data/act.ts';
import { formatAge, formatUntil } from '../data/format.ts';
import { ROLE_NAMES } from '../data/member-role.ts';
import { session } from '../data/session.ts';
import { memberPath } from '../routes.ts';
import { base, buttons, rows } from '../styles/base.ts';
import '../components/hive-confirm.ts';
import '../components/hive-entry.ts';
import '../components/hive-local-card.ts';
import '../components/hive-more.ts';
import '../components/hive-not-allowed.ts';
import '../components/hive-page-header.ts';
import '../components/hive-pending.ts';
import '../components/hive-person.ts';
import '../components/hive-problem.ts';
import '../components/hive-skeleton.ts';

type Member = ResultOf<typeof membersQuery>['members']['edges'][number]['node'];
type Invitation = ResultOf<typeof invitationsQuery>['invitations'][number];

/** Who belongs to the workspace, what each may do, and who has been asked to join. */
export class HiveMembersView extends LitElement {
  static override properties = { itemId: {}, _revoking: { state: true } };

  declare itemId: string;
  declare _revoking: Invitation | undefined;

  readonly #members = new PagedController(this, {
    query: membersQuery,
    variables: () => (session.may('member.read').allowed ? {} : undefined),
    connection: (data: ResultOf<typeof membersQuery>) => data.members,
    belongs: () => undefined,
    pageSize: 50,
  });
  readonly #invitations = new QueryController(this, {
    query: invitationsQuery,
    variables: () => (session.may('invitation.read').allowed ? {} : undefined),
  });

  constructor() {
    super();
    this.itemId = '';
    new EventController(this, [session, 'change']);
    new ClockController(this, () => 30_000);
    new SettledController(this, ['changeMember', 'removeMember', 'revokeInvitation'], () => {
      this.#members.refetch();
      this.#invitations.refetch();
    });
  }

  protected override render() {
    return html`
      <hive-page-header heading="Members" back-href="/settings" back-label="Settings">
        <p class="small muted">${session.viewer?.workspaceName}</p>
      </hive-page-header>
      ${session.isLocal ? html`<hive-local-card></hive-local-card>` : this.#renderPage()}
    `;
  }

  #renderPage() {
    const reading = session.may('member.read');
    const inviting = session.may('member.invite');
    return html`
      ${
        inviting.allowed
          ? html`<a class="button primary invite" href="/settings/members/invite">Invite someone</a>`
          : nothing
      }
      ${
        reading.allowed
          ? this.#renderMembers()
          : html`<hive-not-allowed class="section" .message=${reading.message ?? ''}></hive-not-allowed>`
      }
      ${session.may('invitation.read').allowed ? this.#renderInvitations() : nothing}
      ${
        inviting.allowed
          ? nothing
          : html`<hive-not-allowed
              class="section"
              heading="Inviting is for admins"
              .message=${inviting.message ?? ''}
            ></hive-not-allowed>`
      }
    `;
  }

  #renderMembers() {
    const { nodes, error, loading, hasMore, loadingMore } = this.#members;
    return html`
      <section class="section">
        <h2>Members</h2>
        ${
          nodes.length > 0
            ? html`<ul class="rows">
                ${nodes.map((member) => html`<li>${renderMember(member)}</li>`)}
              </ul>`
            : error
              ? html`<hive-problem .error=${error} @retry=${() => this.#members.refetch()}></hive-problem>`
              : loading
                ? html`<hive-skeleton .lines=${3}></hive-skeleton>`
                : html`<p class="small muted">Nobody is a member yet.</p>`
        }
        <hive-more
          .more=${hasMore}
          .loading=${loadingMore}
          @more=${() => this.#members.loadMore()}
        ></hive-more>
      </section>
    `;
  }

  #renderInvitations() {
    const { data, error, loading } = this.#invitations;
    const invitations = data?.invitations ?? [];
    return html`
      <section class="section">
        <h2>Open invitations</h2>
        ${
          invitations.length > 0
            ? html`<ul class="rows">
                ${repeat(
                  invitations,
                  ({ id }) => id,
                  (invitation) => html`<li>${this.#renderInvitation(invitation)}</li>`,
                )}
              </ul>`
            : error
              ? html`<hive-problem
                  .error=${error}
                  @retry=${() => this.#invitations.refetch()}
                ></hive-problem>`
              : loading
                ? html`<hive-skeleton .lines=${2}></hive-skeleton>`
                : html`<p class="small muted">
                    None. A link you make waits here until it is used, ends or you revoke it.
                  </p>`
        }
      </section>
      <hive-confirm
        heading="Revoke this invitation?"
        text="Its link stops working at once. Whoever has already joined stays."
        action="Revoke"
        @confirmed=${this.#onRevoke}
      ></hive-confirm>
    `;
  }

  #renderInvitation(invitation: Invitation) {
    const { id, role, note, expiresAt, invitedBy } = invitation;
    return html`
      <div class="invitation">
        <h3>${note || `${ROLE_NAMES[role]}, without a note`}</h3>
        <p class="fine muted">${ROLE_NAMES[role]} · ${describeAccess(invitation)}</p>
        <p class="fine muted">
          Ends ${formatUntil(expiresAt, Date.now())}${invitedBy ? ` · by ${invitedBy.name}` : ''}
        </p>
        <hive-pending .entity=${id}></hive-pending>
        ${
          session.may('member.invite').allowed
            ? html`<button class="plain" @click=${() => this.#askRevoke(invitation)}>Revoke</button>`
            : nothing
        }
      </div>
    `;
  }

  #askRevoke(invitation: Invitation): void {
    this._revoking = invitation;
    this.renderRoot.querySelector<HiveConfirm>('hive-confirm')?.show();
  }

  readonly #onRevoke = (): void => {
    const invitation = this._revoking;
    if (!invitation) return;
    const label = `Revoke the invitation${invitation.note ? ` “${invitation.note}”` : ''}`;
    void act('revokeInvitation', { invitationId: invitation.id }, label);
  };

  static override styles = [
    base,
    buttons,
    rows,
    css`
      .invite {
        inline-size: 100%;
        min-block-size: var(--hive-12);
      }
      .invitation {
        display: grid;
        gap: var(--hive-1);
        justify-items: start;
        padding-block: var(--hive-3) var(--hive-1);
        overflow-wrap: anywhere;
      }
      .plain {
        margin-inline-start: calc(-1 * var(--hive-4));
      }
    `,
  ];
}

function renderMember(member: Member) {
  const { person, role, isViewer, lastSeenAt } = member;
  // When others were here is for admins: to everybody else the server gives nothing, which is not “never”.
  const unseen = isViewer || !session.may('member.readContact').allowed ? '' : 'not seen yet';
  const seen = !isViewer && lastSeenAt ? `seen ${formatAge(lastSeenAt, Date.now())}` : unseen;
  const facts = [ROLE_NAMES[role], describeAccess(member), seen].filter(Boolean);
  return html`<hive-entry
    .href=${memberPath(member.id)}
    .heading=${isViewer ? `${person.name} (you)` : person.name}
    .detail=${facts.join(' · ')}
  >
    <hive-person .name=${person.name}></hive-person>
  </hive-entry>`;
}

customElements.define('hive-members-view', HiveMembersView);

declare global {
  interface HTMLElementTagNameMap {
    'hive-members-view': HiveMembersView;
  }
}
