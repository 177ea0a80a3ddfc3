import { css, html, LitElement, nothing, type PropertyValues } from 'lit';
import { projectsQuery } from '@hive/schema/operations/projects.ts';
import { QueryController } from '../controllers/query-controller.ts';
import type { MemberRole } from '../data/member-role.ts';
import { base, buttons } from '../styles/base.ts';
import type { ProjectAccess } from './hive-project-access.ts';
import './hive-project-access.ts';
import './hive-role-picker.ts';

export interface MemberChange {
  role: MemberRole;
  projectAccess: ProjectAccess['projectAccess'];
  grants: { projectId: string; role: MemberRole }[];
}

interface MemberLike {
  id: string;
  role: MemberRole;
  projectAccess: ProjectAccess['projectAccess'];
  grants: readonly { project: { id: string; name: string } | null; role: MemberRole }[];
}

/** Role and projects of a member, or of whoever opens an invitation. Fires `save` with the whole of it. */
export class HiveMemberForm extends LitElement {
  static override properties = {
    member: { attribute: false },
    own: {},
    action: {},
    _role: { state: true },
    _access: { state: true },
    _problem: { state: true },
  };

  /** Absent: somebody new. */
  declare member: MemberLike | undefined;
  /** The role of whoever gives it. */
  declare own: MemberRole;
  declare action: string;
  declare _role: MemberRole;
  declare _access: ProjectAccess;
  declare _problem: string;
  /** What the form was filled from: an answer that says the same must not undo what the person is choosing. */
  #from = '';

  readonly #projects = new QueryController(this, {
    query: projectsQuery,
    variables: () => ({ first: 100, after: null }),
    refetchOn: (event) => event.subject?.__typename === 'Project',
  });

  constructor() {
    super();
    this.own = 'VIEWER';
    this.action = 'Save';
    this._role = 'OPERATOR';
    this._access = { projectAccess: 'ALL', grants: [] };
    this._problem = '';
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has('member') || !this.member) return;
    const { role, projectAccess } = this.member;
    const grants = this.member.grants.flatMap((grant) =>
      grant.project ? [{ projectId: grant.project.id, role: grant.role }] : [],
    );
    const from = JSON.stringify([this.member.id, role, projectAccess, grants]);
    if (from === this.#from) return;
    this.#from = from;
    this._role = role;
    this._access = { projectAccess, grants };
  }

  /** What was chosen; undefined, and said, when it makes no sense yet. */
  read(): MemberChange | undefined {
    const canLimit = this._role === 'OPERATOR' || this._role === 'VIEWER';
    const { projectAccess, grants } = canLimit ? this._access : { projectAccess: 'ALL' as const, grants: [] };
    if (projectAccess === 'GRANTED' && grants.length === 0) {
      this._problem = 'Choose at least one project, or all of them.';
      return undefined;
    }
    return { role: this._role, projectAccess, grants: [...grants] };
  }

  protected override render() {
    const projects = this.#projects.data?.projects.edges.map(({ node }) => node) ?? [];
    return html`
      <form novalidate @submit=${this.#onSubmit}>
        <hive-role-picker
          .own=${this.own}
          .value=${this._role}
          @choose=${(event: CustomEvent<MemberRole>) => (this._role = event.detail)}
        ></hive-role-picker>
        <hive-project-access
          .projects=${projects}
          .own=${this.own}
          .role=${this._role}
          .value=${this._access}
          @choose=${this.#onAccess}
        ></hive-project-access>
        <slot></slot>
        <p class="small problem" role="alert" ?hidden=${this._problem === ''}>${this._problem}</p>
        ${this.#isUnchanged ? nothing : html`<button class="primary wide">${this.action}</button>`}
      </form>
    `;
  }

  /** Saving what is there already is nothing to offer. */
  get #isUnchanged(): boolean {
    if (!this.member) return false;
    const grants = this._access.grants.map(({ projectId, role }) => ({ projectId, role }));
    return JSON.stringify([this.member.id, this._role, this._access.projectAccess, grants]) === this.#from;
  }

  readonly #onAccess = (event: CustomEvent<ProjectAccess>): void => {
    this._access = event.detail;
    this._problem = '';
  };

  readonly #onSubmit = (event: Event): void => {
    event.preventDefault();
    const change = this.read();
    if (change) this.dispatchEvent(new CustomEvent<MemberChange>('save', { detail: change }));
  };

  static override styles = [
    base,
    buttons,
    css`
      form {
        display: grid;
        gap: var(--hive-6);
      }
      .problem {
        color: var(--hive-failed);
        font-weight: 600;
      }
    `,
  ];
}

customElements.define('hive-member-form', HiveMemberForm);

declare global {
  interface HTMLElementTagNameMap {
    'hive-member-form': HiveMemberForm;
  }
}
