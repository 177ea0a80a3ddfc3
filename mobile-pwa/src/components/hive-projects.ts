import { css, html, LitElement, nothing } from 'lit';
import type { ResultOf } from '@hive/schema/operations/graphql.ts';
import { projectsQuery } from '@hive/schema/operations/projects.ts';
import { EventController } from '../controllers/event-controller.ts';
import { PagedController } from '../controllers/paged-controller.ts';
import { act } from '../data/act.ts';
import { formatAge, formatBytes, formatCount } from '../data/format.ts';
import { session } from '../data/session.ts';
import { statusLook } from '../data/status-look.ts';
import { base, buttons, fields, rows } from '../styles/base.ts';
import './hive-cell.ts';
import './hive-more.ts';
import './hive-pending.ts';
import './hive-problem.ts';
import './hive-skeleton.ts';

type Project = ResultOf<typeof projectsQuery>['projects']['edges'][number]['node'];

/** The folders the hive may read, how far each is indexed, and the way to add one. */
export class HiveProjects extends LitElement {
  static override properties = { _path: { state: true }, _problem: { state: true } };

  declare _path: string;
  declare _problem: string | undefined;

  readonly #projects = new PagedController(this, {
    query: projectsQuery,
    variables: () => ({}),
    connection: (data: ResultOf<typeof projectsQuery>) => data.projects,
    belongs: ({ subject }) => (subject?.__typename === 'Project' ? true : undefined),
  });

  constructor() {
    super();
    this._path = '';
    new EventController(this, [session, 'change']);
  }

  protected override render() {
    const { nodes, error, loading, hasMore, loadingMore } = this.#projects;
    return html`
      ${
        nodes.length > 0
          ? html`<ul class="rows">
              ${nodes.map((project) => html`<li>${this.#renderProject(project)}</li>`)}
            </ul>`
          : error
            ? html`<hive-problem .error=${error} @retry=${() => this.#projects.refetch()}></hive-problem>`
            : loading
              ? html`<hive-skeleton .lines=${2}></hive-skeleton>`
              : html`<p class="small muted">
                  No folder yet.
                  ${session.may('project.register').allowed ? 'Add one, and goals can ask about its files.' : 'Once there is one, goals can ask about its files.'}
                </p>`
      }
      <hive-more
        .more=${hasMore}
        .loading=${loadingMore}
        @more=${() => this.#projects.loadMore()}
      ></hive-more>
      <hive-pending entity="project:new"></hive-pending>
      ${
        session.may('project.register').allowed
          ? this.#renderForm()
          : html`<p class="fine muted">Folders are added by admins.</p>`
      }
    `;
  }

  #renderProject(project: Project) {
    const { look, label } = statusLook(project.status);
    const indexing = project.status === 'INDEXING';
    const size = `${formatCount(project.fileCount, 'file')} · ${formatBytes(project.byteCount)}`;
    const skipped =
      project.skippedFileCount > 0 ? ` · ${project.skippedFileCount.toLocaleString()} skipped` : '';
    const age = project.indexedAt ? ` · indexed ${formatAge(project.indexedAt, Date.now())}` : '';
    return html`
      <div class="project">
        <hive-cell .look=${look}></hive-cell>
        <div class="text">
          <h2 class="title">${project.name}</h2>
          ${project.rootPath ? html`<p class="fine mono">${project.rootPath}</p>` : nothing}
          ${
            indexing
              ? html`
                  <progress
                    max=${Math.max(1, project.fileCount)}
                    value=${project.indexedFileCount}
                    aria-label=${`Indexing ${project.name}`}
                  ></progress>
                  <p class="fine muted">
                    Indexing ${project.indexedFileCount.toLocaleString()} of
                    ${formatCount(project.fileCount, 'file')}
                  </p>
                `
              : html`<p class="fine muted">${label} · ${size}${skipped}${age}</p>`
          }
          ${project.failure ? html`<p class="small">${project.failure.message}</p>` : nothing}
          <hive-pending .entity=${project.id}></hive-pending>
          ${
            indexing || !session.may('project.reindex', project.id).allowed
              ? nothing
              : html`<button
                  class="plain"
                  @click=${() => void act('reindexProject', { projectId: project.id }, `Index ${project.name} again`)}
                >
                  Index again
                </button>`
          }
        </div>
      </div>
    `;
  }

  #renderForm() {
    return html`
      <details>
        <summary>Add a folder</summary>
        <form @submit=${this.#onSubmit} novalidate>
          <label for="path">Folder on the server's machine</label>
          <input
            id="path"
            type="text"
            autocapitalize="off"
            autocomplete="off"
            spellcheck="false"
            aria-describedby="path-hint"
            .value=${this._path}
            @input=${this.#onInput}
          />
          <p id="path-hint" class="fine muted">
            ${this._problem ?? 'It must lie in the folder of this workspace. “.” is that folder itself.'}
          </p>
          <button class="primary">Add folder</button>
        </form>
      </details>
    `;
  }

  readonly #onInput = (event: Event): void => {
    this._path = (event.target as HTMLInputElement).value;
    this._problem = undefined;
  };

  readonly #onSubmit = (event: Event): void => {
    event.preventDefault();
    const rootPath = this._path.trim();
    if (rootPath === '') {
      this._problem = 'Say which folder.';
      this.renderRoot.querySelector('input')?.focus();
      return;
    }
    void act('registerProject', { rootPath }, `Add the folder ${rootPath}`);
    this._path = '';
  };

  static override styles = [
    base,
    buttons,
    fields,
    rows,
    css`
      .project {
        display: grid;
        grid-template-columns: max-content minmax(0, 1fr);
        gap: var(--hive-3);
        padding-block: var(--hive-3) var(--hive-1);
      }
      .text {
        display: grid;
        gap: var(--hive-1);
        justify-items: start;
        min-inline-size: 0;
        overflow-wrap: anywhere;
      }
      .plain {
        margin-inline-start: calc(-1 * var(--hive-4));
      }
      progress {
        inline-size: 100%;
        block-size: var(--hive-2);
        margin-block-start: var(--hive-1);
        accent-color: var(--hive-running);
      }
      summary {
        display: inline-flex;
        align-items: center;
        min-block-size: var(--hive-target);
        color: var(--hive-accent);
        font-size: var(--hive-text-15);
        font-weight: 600;
        cursor: pointer;
      }
      form {
        display: grid;
        gap: var(--hive-2);
        padding-block-end: var(--hive-4);
      }
    `,
  ];
}

customElements.define('hive-projects', HiveProjects);

declare global {
  interface HTMLElementTagNameMap {
    'hive-projects': HiveProjects;
  }
}
