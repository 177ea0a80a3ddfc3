import { css, html, LitElement, nothing } from 'lit';
import { ROLE_NAMES, rolesToGive, type MemberRole } from '../data/member-role.ts';
import { base, fields, rows } from '../styles/base.ts';
import './hive-role-picker.ts';

export interface ProjectAccess {
  projectAccess: 'ALL' | 'GRANTED';
  grants: readonly { projectId: string; role: MemberRole }[];
}

/** Which projects someone gets: all of them, or only some with a role in each. Fires `choose` with the whole choice. */
export class HiveProjectAccess extends LitElement {
  static override properties = {
    projects: { attribute: false },
    value: { attribute: false },
    role: {},
    own: {},
  };

  declare projects: readonly { id: string; name: string }[];
  declare value: ProjectAccess;
  /** The role in the workspace: what a project newly chosen starts with. */
  declare role: MemberRole;
  /** The role of whoever gives it. */
  declare own: MemberRole;

  constructor() {
    super();
    this.projects = [];
    this.value = { projectAccess: 'ALL', grants: [] };
    this.role = 'VIEWER';
    this.own = 'VIEWER';
  }

  protected override render() {
    const { projectAccess } = this.value;
    // Whoever runs a workspace sees all of it.
    const canLimit = this.role === 'OPERATOR' || this.role === 'VIEWER';
    return html`
      <fieldset>
        <legend>Projects</legend>
        ${this.#renderChoice('ALL', 'All projects', 'Also those added later.')}
        ${canLimit ? this.#renderChoice('GRANTED', 'Only some projects', 'Everything else stays out of sight.') : nothing}
      </fieldset>
      ${
        projectAccess === 'GRANTED' && canLimit
          ? this.#renderProjects()
          : canLimit && this.projects.length > 0
            ? html`<details class="fold" ?open=${this.value.grants.length > 0}>
                <summary>A higher role in some projects</summary>
                ${this.#renderProjects()}
              </details>`
            : nothing
      }
    `;
  }

  #renderChoice(projectAccess: ProjectAccess['projectAccess'], label: string, text: string) {
    return html`
      <label class="choice">
        <input
          type="radio"
          name="access"
          value=${projectAccess}
          .checked=${this.value.projectAccess === projectAccess}
          @change=${() => this.#choose({ ...this.value, projectAccess, grants: [] })}
        />
        <span class="two"><b>${label}</b><span class="fine muted">${text}</span></span>
      </label>
    `;
  }

  #renderProjects() {
    if (this.projects.length === 0) {
      return html`<p class="small muted none">
        There is no project yet. Add one under <a href="/settings/projects">Projects</a> first.
      </p>`;
    }
    return html`
      <ul>
        ${this.projects.map(({ id, name }) => {
          const grant = this.value.grants.find(({ projectId }) => projectId === id);
          return html`
            <li>
              <label class="choice">
                <input
                  type="checkbox"
                  .checked=${grant !== undefined}
                  @change=${(event: Event) => this.#toggle(id, (event.target as HTMLInputElement).checked)}
                />
                <span>${name}</span>
              </label>
              ${
                grant
                  ? html`<hive-role-picker
                      compact
                      .label=${`Role in ${name}`}
                      .own=${this.own === 'OWNER' ? 'ADMIN' : this.own}
                      .value=${grant.role}
                      @choose=${(event: CustomEvent<MemberRole>) => this.#setRole(id, event.detail)}
                    ></hive-role-picker>`
                  : nothing
              }
            </li>
          `;
        })}
      </ul>
    `;
  }

  #toggle(projectId: string, chosen: boolean): void {
    const others = this.value.grants.filter((grant) => grant.projectId !== projectId);
    const role = this.value.projectAccess === 'ALL' ? raise(this.role, this.own) : this.role;
    this.#choose({ ...this.value, grants: chosen ? [...others, { projectId, role }] : others });
  }

  #setRole(projectId: string, role: MemberRole): void {
    const grants = this.value.grants.map((grant) =>
      grant.projectId === projectId ? { projectId, role } : grant,
    );
    this.#choose({ ...this.value, grants });
  }

  #choose(value: ProjectAccess): void {
    this.value = value;
    this.dispatchEvent(new CustomEvent<ProjectAccess>('choose', { detail: value }));
  }

  static override styles = [
    base,
    fields,
    rows,
    css`
      fieldset {
        margin: 0;
        padding: 0;
        border: 0;
      }
      legend {
        margin-block-end: var(--hive-1);
        padding: 0;
      }
      .choice {
        padding-block: var(--hive-1);
      }
      .two {
        display: grid;
        min-inline-size: 0;
      }
      b {
        font-weight: 600;
      }
      ul {
        margin-inline-start: var(--hive-8);
      }
      li {
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto;
        gap: var(--hive-3);
        align-items: center;
        min-block-size: var(--hive-12);
        border-block-end: var(--hive-stroke) solid var(--hive-hairline);
      }
      hive-role-picker {
        inline-size: 8.5rem;
      }
      li:last-child {
        border-block-end: 0;
      }
      li .choice span {
        overflow-wrap: anywhere;
      }
      .none {
        margin-inline-start: var(--hive-8);
      }
      summary {
        inline-size: fit-content;
        color: var(--hive-accent);
        font-size: var(--hive-text-15);
        font-weight: 600;
      }
      .fold > summary::after {
        margin-inline-start: 0;
        border-color: var(--hive-accent);
      }
    `,
  ];
}

/** The next role up, where someone has another one already; as far as whoever gives it may go. */
function raise(role: MemberRole, own: MemberRole): MemberRole {
  const roles = rolesToGive(own);
  return roles[Math.max(0, roles.indexOf(role) - 1)] ?? role;
}

/** "All projects", "Weather station", "Weather station as Admin", "3 projects". */
export function describeAccess({
  role: usual,
  projectAccess,
  grants,
}: {
  role: MemberRole;
  projectAccess: ProjectAccess['projectAccess'];
  grants: readonly { role: MemberRole; project: { name: string } | null }[];
}): string {
  const names = grants.flatMap(({ project, role }) =>
    project ? [role === usual ? project.name : `${project.name} as ${ROLE_NAMES[role]}`] : [],
  );
  if (projectAccess === 'ALL')
    return names.length === 0 ? 'All projects' : `All projects, ${names.join(', ')}`;
  if (grants.length === 0) return 'No project';
  return names.length <= 2 && names.length === grants.length ? names.join(', ') : `${grants.length} projects`;
}

customElements.define('hive-project-access', HiveProjectAccess);

declare global {
  interface HTMLElementTagNameMap {
    'hive-project-access': HiveProjectAccess;
  }
}
