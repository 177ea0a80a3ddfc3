import { css, html, LitElement, nothing } from 'lit';
import type { ResultOf } from '@hive/schema/operations/graphql.ts';
import type { projectFragment } from '@hive/schema/operations/projects.ts';
import { act } from '../data/act.ts';
import { goalProblem } from '../data/goal-text.ts';
import { session } from '../data/session.ts';
import { base, buttons, fields } from '../styles/base.ts';

type Project = ResultOf<typeof projectFragment>;

const DRAFT_KEY = 'hive-goal-draft';
const PROJECT_KEY = 'hive-goal-project';

/** The goal box. What is typed survives a reload; `dispatched` fires with the id of the stored action. */
export class HiveDispatchForm extends LitElement {
  static override properties = {
    projects: { attribute: false },
    projectsKnown: { attribute: false },
    projectless: { type: Boolean },
    _text: { state: true },
    _projectId: { state: true },
    _autoStart: { state: true },
    _problem: { state: true },
  };

  declare projects: readonly Project[];
  /** The server has answered which projects there are. */
  declare projectsKnown: boolean;
  /** Whether a goal may belong to no project. */
  declare projectless: boolean;
  declare _text: string;
  declare _projectId: string | undefined;
  declare _autoStart: boolean;
  declare _problem: string | undefined;

  constructor() {
    super();
    this.projects = [];
    this.projectsKnown = false;
    this.projectless = true;
    this._text = sessionStorage.getItem(DRAFT_KEY) ?? '';
    this._projectId = localStorage.getItem(PROJECT_KEY) ?? undefined;
    this._autoStart = true;
  }

  /** Puts a text back into the box. */
  fill(text: string): void {
    this._text = text;
    sessionStorage.setItem(DRAFT_KEY, text);
    this.renderRoot.querySelector('textarea')?.focus();
  }

  /** The project chosen before, if it still exists; else the first. */
  get #chosen(): string {
    if (this._projectId === '' && this.projectless) return '';
    const known = this.projects.find((project) => project.id === this._projectId);
    return known?.id ?? this.projects[0]?.id ?? '';
  }

  protected override render() {
    return html`
      <form @submit=${this.#onSubmit} novalidate>
        <div class="box">
          <label class="hidden-text" for="goal">Goal</label>
          <textarea
            id="goal"
            rows="4"
            enterkeyhint="enter"
            placeholder="Explain how this project is laid out and where events come from, with sources"
            aria-invalid=${this._problem ? 'true' : 'false'}
            aria-describedby="problem"
            .value=${this._text}
            @input=${this.#onInput}
            @keydown=${this.#onKey}
          ></textarea>
          <div class="options">
            ${this.#renderProjects()}
            <label class="choice">
              <input type="checkbox" .checked=${this._autoStart} @change=${this.#onAutoStart} />
              <span>Start without asking me</span>
            </label>
          </div>
        </div>
        <p id="problem" class="small" ?hidden=${!this._problem}>${this._problem}</p>
        <button class="primary wide">Dispatch</button>
      </form>
    `;
  }

  #renderProjects() {
    if (this.projects.length === 0) {
      if (!this.projectsKnown) return nothing;
      return html`<p class="fine muted none">
        ${
          session.may('project.register').allowed
            ? html`No project yet. <a href="/settings/projects">Add a folder</a> to ask about its files.`
            : 'No project yet. An admin can add a folder to ask about.'
        }
      </p>`;
    }
    return html`
      <label for="project" class="hidden-text">Project</label>
      <select id="project" @change=${this.#onProject}>
        ${this.projects.map(
          (project) =>
            html`<option value=${project.id} ?selected=${project.id === this.#chosen}>
              ${project.name}${project.status === 'INDEXING' ? ' (being indexed)' : ''}
            </option>`,
        )}
        ${
          this.projectless
            ? html`<option value="" ?selected=${this.#chosen === ''}>No project</option>`
            : nothing
        }
      </select>
    `;
  }

  readonly #onInput = (event: Event): void => {
    this._text = (event.target as HTMLTextAreaElement).value;
    sessionStorage.setItem(DRAFT_KEY, this._text);
    this._problem = undefined;
  };

  readonly #onKey = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || !(event.metaKey || event.ctrlKey)) return;
    event.preventDefault();
    this.renderRoot.querySelector('form')?.requestSubmit();
  };

  readonly #onProject = (event: Event): void => {
    this._projectId = (event.target as HTMLSelectElement).value;
    localStorage.setItem(PROJECT_KEY, this._projectId);
  };

  readonly #onAutoStart = (event: Event): void => {
    this._autoStart = (event.target as HTMLInputElement).checked;
  };

  readonly #onSubmit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const text = this._text.trim();
    this._problem = goalProblem(text);
    if (this._problem) {
      this.renderRoot.querySelector('textarea')?.focus();
      return;
    }
    const input = { text, projectId: this.#chosen || null, autoStart: this._autoStart };
    const entry = await act('dispatchGoal', input, text);
    if (!entry) {
      this._problem = 'This browser does not let the app store anything, so the goal was not sent.';
      return;
    }
    this._text = '';
    sessionStorage.removeItem(DRAFT_KEY);
    this.dispatchEvent(new CustomEvent<string>('dispatched', { detail: entry.id }));
  };

  static override styles = [
    base,
    buttons,
    fields,
    css`
      form {
        display: grid;
        gap: var(--hive-3);
      }
      .box {
        border: var(--hive-stroke) solid var(--hive-line);
        border-radius: var(--hive-4);
        background: var(--hive-background);
        overflow: hidden;
      }
      .box:has(textarea:focus-visible) {
        border-color: var(--hive-accent);
        box-shadow: 0 0 0 var(--hive-stroke) var(--hive-accent);
      }
      textarea {
        min-block-size: 8rem;
        max-block-size: 40dvh;
        padding: var(--hive-4);
        border: 0;
        border-radius: 0;
        resize: none;
      }
      /* The whole box shows the focus. */
      textarea:focus-visible {
        outline: none;
      }
      .options {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 0 var(--hive-4);
        padding: var(--hive-1) var(--hive-4);
        border-block-start: var(--hive-stroke) solid var(--hive-hairline);
        background: var(--hive-surface);
      }
      select {
        flex: 1 1 8rem;
        inline-size: auto;
        min-inline-size: 0;
        padding-inline: 0;
        border: 0;
        background: transparent;
        font-size: var(--hive-text-15);
        text-overflow: ellipsis;
      }
      .choice {
        flex: 0 1 auto;
      }
      .none {
        padding-block: var(--hive-3) 0;
      }
      #problem {
        font-weight: 600;
        color: var(--hive-failed);
      }
    `,
  ];
}

customElements.define('hive-dispatch-form', HiveDispatchForm);

declare global {
  interface HTMLElementTagNameMap {
    'hive-dispatch-form': HiveDispatchForm;
  }
}
