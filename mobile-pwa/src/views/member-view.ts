import { css, html, LitElement, nothing } from 'lit';
import type { ResultOf } from '@hive/schema/operations/graphql.ts';
import { changeMemberMutation, membersQuery, removeMemberMutation } from '@hive/schema/operations/members.ts';
import { leaveWorkspaceMutation } from '@hive/schema/operations/workspaces.ts';
import { describeAccess } from '../components/hive-project-access.ts';
import type { HiveConfirm } from '../components/hive-confirm.ts';
import { ClockController } from '../controllers/clock-controller.ts';
import { EventController } from '../controllers/event-controller.ts';
import { PagedController } from '../controllers/paged-controller.ts';
import { SettledController } from '../controllers/settled-controller.ts';
import { act } from '../data/act.ts';
import { announce } from '../data/announce.ts';
import { confirmAndSend } from '../data/direct.ts';
import { formatAge, formatDay } from '../data/format.ts';
import { reaches, ROLE_NAMES } from '../data/member-role.ts';
import { session } from '../data/session.ts';
import { navigate } from '../navigation.ts';
import { base, buttons, rows } from '../styles/base.ts';
import '../components/hive-confirm.ts';
import '../components/hive-empty.ts';
import '../components/hive-member-form.ts';
import '../components/hive-not-allowed.ts';
import '../components/hive-page-header.ts';
import '../components/hive-pending.ts';
import '../components/hive-person-data.ts';
import '../components/hive-problem.ts';
import '../components/hive-skeleton.ts';
import type { MemberChange } from '../components/hive-member-form.ts';

export type Member = ResultOf<typeof membersQuery>['members']['edges'][number]['node'];

/** One member: what they may do here, changing that, and the ways out. */
export class HiveMemberView extends LitElement {
  static override properties = { itemId: {}, _problem: { state: true } };

  declare itemId: string;
  declare _problem: string;

  readonly #members = new PagedController(this, {
    query: membersQuery,
    variables: () => (session.may('member.read').allowed ? {} : undefined),
    connection: (data: ResultOf<typeof membersQuery>) => data.members,
    belongs: () => undefined,
    pageSize: 50,
  });

  constructor() {
    super();
    this.itemId = '';
    this._problem = '';
    new EventController(this, [session, 'change']);
    new ClockController(this, () => 30_000);
    new SettledController(this, ['changeMember', 'removeMember'], ({ entry }) => {
      if (entry.entity !== this.itemId) return;
      if (entry.kind === 'removeMember') navigate('/settings/members', { replace: true });
      else this.#members.refetch();
    });
  }

  get #member(): Member | undefined {
    return this.#members.nodes.find(({ id }) => id === this.itemId);
  }

  protected override updated(): void {
    // There is no asking for one member: they are few, and the list is mostly here already.
    if (!this.#member && this.#members.hasMore && !this.#members.loadingMore) this.#members.loadMore();
  }

  protected override render() {
    const member = this.#member;
    const { error, answered, hasMore } = this.#members;
    const reading = session.may('member.read');
    const absent = answered && !hasMore;
    return html`
      <hive-page-header
        .heading=${member ? member.person.name : absent ? 'No such member' : ''}
        back-href="/settings/members"
        back-label="Members"
      >
        ${member?.person.email ? html`<p class="muted small">${member.person.email}</p>` : nothing}
      </hive-page-header>
      ${
        member
          ? this.#renderMember(member)
          : !reading.allowed
            ? html`<hive-not-allowed .message=${reading.message ?? ''}></hive-not-allowed>`
            : error
              ? html`<hive-problem .error=${error} @retry=${() => this.#members.refetch()}></hive-problem>`
              : absent
                ? html`<hive-empty
                    heading="Nobody at this address"
                    text="They may have left, or have been removed."
                  ></hive-empty>`
                : html`<hive-skeleton .lines=${4}></hive-skeleton>`
      }
    `;
  }

  #renderMember(member: Member) {
    const { role, joinedAt, lastSeenAt, isViewer } = member;
    return html`
      <dl class="facts">
        <dt>Role</dt>
        <dd>${ROLE_NAMES[role]}</dd>
        <dt>Projects</dt>
        <dd>${describeAccess(member)}</dd>
        <dt>Joined</dt>
        <dd>${formatDay(joinedAt)}</dd>
        ${
          isViewer || session.may('member.readContact').allowed
            ? html`<dt>Last seen</dt>
                <dd>${isViewer ? 'now' : lastSeenAt ? formatAge(lastSeenAt, Date.now()) : 'not yet'}</dd>`
            : nothing
        }
      </dl>
      <hive-pending .entity=${member.id}></hive-pending>
      <p class="small problem" role="alert" ?hidden=${this._problem === ''}>${this._problem}</p>
      ${this.#renderChange(member)} ${this.#renderEnd(member)}
      ${
        // Whoever was erased has no data left to hand out.
        !member.person.erased && (isViewer || session.viewer?.role === 'OWNER')
          ? html`<section class="section" aria-label="Personal data">
              <hive-person-data .person=${member.person} ?own=${isViewer}></hive-person-data>
            </section>`
          : nothing
      }
    `;
  }

  #renderChange(member: Member) {
    const changing = session.may('member.change');
    const obstacle = changing.allowed ? this.#obstacle(member) : changing.message;
    return html`
      <section class="section" aria-label="Role and projects">
        ${
          obstacle
            ? html`<hive-not-allowed
                .heading=${changing.allowed && this.#isLastOwner(member) ? 'The only owner' : 'Not yours to change'}
                .message=${obstacle}
              ></hive-not-allowed>`
            : html`<hive-member-form
                .member=${member}
                .own=${session.viewer?.role ?? 'VIEWER'}
                @save=${(event: CustomEvent<MemberChange>) => void this.#save(member, event.detail)}
              ></hive-member-form>`
        }
      </section>
    `;
  }

  #renderEnd(member: Member) {
    const { isViewer, person } = member;
    const ending = session.may(isViewer ? 'member.leave' : 'member.remove');
    // Said already, above.
    if (!ending.allowed || (!isViewer && this.#obstacle(member) !== undefined)) return nothing;
    if (this.#isLastOwner(member)) return nothing;
    const workspace = session.viewer?.workspaceName ?? 'the workspace';
    return html`
      <div class="section actions">
        <button class="danger" @click=${() => this.#confirm?.show()}>
          ${isViewer ? 'Leave the workspace' : `Remove ${person.name}`}
        </button>
      </div>
      <hive-confirm
        id="end"
        .heading=${isViewer ? `Leave ${workspace}?` : `Remove ${person.name}?`}
        .text=${
          isViewer
            ? `You lose access to ${workspace} at once, and the keys you made here end. Only a new invitation brings you back.`
            : `${person.name} loses access to ${workspace} within two seconds, on every device, and the keys they made here end. What they did stays on record. Only a new invitation brings them back.`
        }
        .action=${isViewer ? 'Leave' : 'Remove'}
        @confirmed=${() => void (isViewer ? this.#leave() : this.#remove(member))}
      ></hive-confirm>
    `;
  }

  /** Why the person may not change this member, beyond their own role. */
  #obstacle(member: Member): string | undefined {
    const own = session.viewer?.role ?? 'VIEWER';
    if (!reaches(own, member.role)) {
      return member.isViewer
        ? `Nobody below owner changes their own role; yours is ${ROLE_NAMES[own]}. An owner can.`
        : `As ${ROLE_NAMES[own]} you change members below you; ${member.person.name} is ${ROLE_NAMES[member.role]}.`;
    }
    return this.#isLastOwner(member)
      ? `${member.isViewer ? 'You are' : `${member.person.name} is`} the only owner, and a workspace keeps at least one. Make somebody else an owner first.`
      : undefined;
  }

  #isLastOwner(member: Member): boolean {
    const { nodes, hasMore } = this.#members;
    if (member.role !== 'OWNER' || hasMore) return false;
    return !nodes.some(({ id, role }) => role === 'OWNER' && id !== member.id);
  }

  get #confirm(): HiveConfirm | null {
    return this.renderRoot.querySelector<HiveConfirm>('#end');
  }

  async #save(member: Member, change: MemberChange): Promise<void> {
    this._problem = '';
    const input = { memberId: member.id, ...change };
    if (member.role !== 'OWNER') {
      await act('changeMember', input, `Change what ${member.person.name} may do`);
      return;
    }
    // To take an owner's role asks for a passkey or a code, which cannot wait in the outbox.
    const outcome = await confirmAndSend(changeMemberMutation, input);
    if (outcome.ok) {
      announce('Saved.');
      this.#members.refetch();
    } else this._problem = outcome.message;
  }

  async #remove(member: Member): Promise<void> {
    this._problem = '';
    if (member.role !== 'OWNER') {
      await act('removeMember', { memberId: member.id }, `Remove ${member.person.name}`);
      return;
    }
    const outcome = await confirmAndSend(removeMemberMutation, { memberId: member.id });
    if (outcome.ok) {
      announce(`${member.person.name} is no longer a member.`);
      navigate('/settings/members', { replace: true });
    } else this._problem = outcome.message;
  }

  async #leave(): Promise<void> {
    const outcome = await confirmAndSend(leaveWorkspaceMutation, {});
    // What follows is for the session to find: another workspace, or none.
    if (outcome.ok) await session.verify();
    else this._problem = outcome.message;
  }

  static override styles = [
    base,
    buttons,
    rows,
    css`
      hive-pending {
        margin-block-start: var(--hive-4);
      }
      .problem {
        margin-block-start: var(--hive-4);
        color: var(--hive-failed);
        font-weight: 600;
      }
    `,
  ];
}

customElements.define('hive-member-view', HiveMemberView);

declare global {
  interface HTMLElementTagNameMap {
    'hive-member-view': HiveMemberView;
  }
}
