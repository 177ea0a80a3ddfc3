import { css, html, LitElement, nothing } from 'lit';
import { createApiKeyMutation } from '@hive/schema/operations/api-keys.ts';
import { projectsQuery } from '@hive/schema/operations/projects.ts';
import { EventController } from '../controllers/event-controller.ts';
import { QueryController } from '../controllers/query-controller.ts';
import { confirmAndSend } from '../data/direct.ts';
import { formatDay } from '../data/format.ts';
import { SCOPE_PRESETS, SHOWN_BEFORE } from '../data/key-scopes.ts';
import { rolesToGive, type MemberRole } from '../data/member-role.ts';
import { session } from '../data/session.ts';
import { navigate } from '../navigation.ts';
import { base, buttons, fields } from '../styles/base.ts';
import '../components/hive-key-secret.ts';
import '../components/hive-local-card.ts';
import '../components/hive-not-allowed.ts';
import '../components/hive-page-header.ts';
import '../components/hive-role-picker.ts';
import '../components/hive-scope-picker.ts';

const EXPIRIES = [
  { days: 7, label: '7 days' },
  { days: 30, label: '30 days' },
  { days: 90, label: '90 days' },
  { days: 365, label: 'One year' },
];

interface Made {
  name: string;
  secret: string;
  expiresAt: string | null;
}

/** Makes a key for a program; its secret is shown here, once. */
export class HiveKeyFormView extends LitElement {
  static override properties = {
    itemId: {},
    _name: { state: true },
    _role: { state: true },
    _scopes: { state: true },
    _projectIds: { state: true },
    _problem: { state: true },
    _sending: { state: true },
    _made: { state: true },
  };

  declare itemId: string;
  declare _name: string;
  declare _role: MemberRole;
  declare _scopes: readonly string[];
  /** Null: wherever its maker may. */
  declare _projectIds: readonly string[] | null;
  declare _problem: { field: 'name' | 'scopes' | 'projects' | 'answer'; message: string } | undefined;
  declare _sending: boolean;
  declare _made: Made | undefined;

  readonly #projects = new QueryController(this, {
    query: projectsQuery,
    variables: () => (session.may('key.create').allowed ? { first: 100, after: null } : undefined),
    refetchOn: (event) => event.subject?.__typename === 'Project',
  });

  constructor() {
    super();
    this.itemId = '';
    this._name = '';
    this._role = 'VIEWER';
    this._scopes = SCOPE_PRESETS[0]!.scopes;
    this._projectIds = null;
    this._sending = false;
    new EventController(this, [session, 'change']);
  }

  protected override render() {
    const creating = session.may('key.create');
    return html`
      <hive-page-header heading="New key" back-href="/settings/keys" back-label="Keys"></hive-page-header>
      ${
        this._made
          ? this.#renderMade(this._made)
          : session.isLocal
            ? html`<hive-local-card></hive-local-card>`
            : creating.allowed
              ? this.#renderForm()
              : html`<hive-not-allowed
                  heading="Making keys is for operators"
                  .message=${creating.message ?? ''}
                ></hive-not-allowed>`
      }
    `;
  }

  #renderForm() {
    const own = session.viewer?.role ?? 'VIEWER';
    return html`
      <form novalidate @submit=${this.#onSubmit}>
        <div class="field">
          <label for="name">What is it for?</label>
          <input
            id="name"
            type="text"
            maxlength="100"
            autocomplete="off"
            placeholder="Nightly report"
            aria-invalid=${this._problem?.field === 'name' ? 'true' : 'false'}
            aria-describedby="name-problem"
            .value=${this._name}
            @input=${this.#onName}
          />
          ${this.#renderProblem('name')}
        </div>
        <hive-role-picker
          label="Role"
          .own=${rolesToGive(own)[0] ?? own}
          .value=${this._role}
          @choose=${(event: CustomEvent<MemberRole>) => (this._role = event.detail)}
        ></hive-role-picker>
        <div>
          <hive-scope-picker @choose=${this.#onScopes}></hive-scope-picker>
          ${this.#renderProblem('scopes')}
        </div>
        ${this.#renderProjects()}
        <div class="field">
          <label for="expiry">It works for</label>
          <select id="expiry">
            ${EXPIRIES.map(({ days, label }) => html`<option value=${days} ?selected=${days === 90}>${label}</option>`)}
          </select>
        </div>
        ${this.#renderProblem('answer')}
        <button class="primary wide">${this._sending ? 'Making the key' : 'Make the key'}</button>
      </form>
    `;
  }

  #renderProjects() {
    const projects = this.#projects.data?.projects.edges.map(({ node }) => node) ?? [];
    if (projects.length === 0) return nothing;
    const chosen = this._projectIds;
    return html`
      <fieldset>
        <legend>Projects</legend>
        <label class="choice">
          <input
            type="radio"
            name="projects"
            .checked=${chosen === null}
            @change=${() => this.#chooseProjects(null)}
          />
          <span>All I have, also those added later</span>
        </label>
        <label class="choice">
          <input
            type="radio"
            name="projects"
            .checked=${chosen !== null}
            @change=${() => this.#chooseProjects([])}
          />
          <span>Only some</span>
        </label>
        ${
          chosen === null
            ? nothing
            : html`<div class="some">
                ${projects.map(
                  ({ id, name }) => html`
                    <label class="choice">
                      <input
                        type="checkbox"
                        .checked=${chosen.includes(id)}
                        @change=${(event: Event) => this.#toggle(id, (event.target as HTMLInputElement).checked)}
                      />
                      <span>${name}</span>
                    </label>
                  `,
                )}
              </div>`
        }
        ${this.#renderProblem('projects')}
      </fieldset>
    `;
  }

  #renderMade({ name, secret, expiresAt }: Made) {
    return html`
      <hive-key-secret
        .heading=${`“${name}” is ready`}
        .text=${`It is shown only now; the hive keeps no more than its hash. It ends ${expiresAt ? formatDay(expiresAt) : 'never'}.`}
        .secret=${secret}
        @done=${() => navigate('/settings/keys', { replace: true })}
      ></hive-key-secret>
    `;
  }

  #renderProblem(field: NonNullable<typeof this._problem>['field']) {
    const problem = this._problem?.field === field ? this._problem.message : '';
    return html`<p id=${`${field}-problem`} class="small problem" role="alert" ?hidden=${problem === ''}>
      ${problem}
    </p>`;
  }

  #chooseProjects(projectIds: readonly string[] | null): void {
    this._projectIds = projectIds;
    this._problem = undefined;
  }

  #toggle(projectId: string, chosen: boolean): void {
    const others = (this._projectIds ?? []).filter((id) => id !== projectId);
    this.#chooseProjects(chosen ? [...others, projectId] : others);
  }

  readonly #onName = (event: Event): void => {
    this._name = (event.target as HTMLInputElement).value;
    this._problem = undefined;
  };

  readonly #onScopes = (event: CustomEvent<readonly string[]>): void => {
    this._scopes = event.detail;
    this._problem = undefined;
  };

  #findProblem(): typeof this._problem {
    if (this._name.trim() === '') return { field: 'name', message: 'Say what it is for.' };
    if (this._scopes.length === 0) return { field: 'scopes', message: 'Pick at least one action.' };
    if (this._projectIds?.length === 0)
      return { field: 'projects', message: 'Choose at least one project, or all of them.' };
    return undefined;
  }

  readonly #onSubmit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (this._sending) return;
    this._problem = this.#findProblem();
    if (this._problem) {
      if (this._problem.field === 'name') this.renderRoot.querySelector<HTMLElement>('#name')?.focus();
      return;
    }
    this._sending = true;
    const outcome = await confirmAndSend(createApiKeyMutation, {
      name: this._name.trim(),
      role: this._role,
      scopes: [...this._scopes],
      ...(this._projectIds ? { projectIds: [...this._projectIds] } : {}),
      expiresInDays: Number(this.renderRoot.querySelector<HTMLSelectElement>('#expiry')?.value ?? 90),
    });
    this._sending = false;
    if (!outcome.ok) {
      this._problem = { field: 'answer', message: outcome.message };
      return;
    }
    const { secret, apiKey } = outcome.value;
    if (secret === null) {
      this._problem = { field: 'answer', message: SHOWN_BEFORE };
      return;
    }
    this._made = { name: apiKey.name, secret, expiresAt: apiKey.expiresAt };
    scrollTo(0, 0);
  };

  static override styles = [
    base,
    buttons,
    fields,
    css`
      form {
        display: grid;
        gap: var(--hive-6);
      }
      .field {
        display: grid;
        gap: var(--hive-2);
      }
      fieldset {
        min-inline-size: 0;
        margin: 0;
        padding: 0;
        border: 0;
      }
      legend {
        padding: 0;
      }
      .some {
        margin-inline-start: var(--hive-8);
      }
      .problem {
        color: var(--hive-failed);
        font-weight: 600;
      }
    `,
  ];
}

customElements.define('hive-key-form-view', HiveKeyFormView);

declare global {
  interface HTMLElementTagNameMap {
    'hive-key-form-view': HiveKeyFormView;
  }
}
