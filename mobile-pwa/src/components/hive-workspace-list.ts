import { css, html, LitElement } from 'lit';
import { EventController } from '../controllers/event-controller.ts';
import { hive } from '../data/hive.ts';
import { ROLE_NAMES } from '../data/member-role.ts';
import { session } from '../data/session.ts';
import { base } from '../styles/base.ts';
import './hive-cell.ts';

/** The workspaces the person belongs to, the one on screen marked; a tap goes to another. */
export class HiveWorkspaceList extends LitElement {
  constructor() {
    super();
    new EventController(this, [session, 'change'], [hive.connection, 'change']);
  }

  protected override render() {
    const { viewer } = session;
    return html`
      <ul>
        ${viewer?.workspaces.map(({ workspaceId, name, role }) => {
          const here = workspaceId === viewer.workspaceId;
          const text = html`
            <hive-cell look=${here ? 'done' : 'idle'}></hive-cell>
            <span class="text">
              <span class="name">${name}</span>
              <span class="fine muted">${ROLE_NAMES[role]}${here ? ' · you are here' : ''}</span>
            </span>
          `;
          // Nothing to press where one is already.
          return here
            ? html`<li class="entry" aria-current="true">${text}</li>`
            : html`<li>
                <button class="entry" @click=${() => session.switchWorkspace(workspaceId)}>${text}</button>
              </li>`;
        })}
      </ul>
    `;
  }

  static override styles = [
    base,
    css`
      li + li {
        border-block-start: var(--hive-stroke) solid var(--hive-hairline);
      }
      .entry {
        display: flex;
        align-items: center;
        gap: var(--hive-3);
        inline-size: 100%;
        min-block-size: var(--hive-12);
        padding: var(--hive-2) 0;
      }
      button {
        border: 0;
        background: transparent;
        color: inherit;
        font: inherit;
        text-align: start;
        cursor: pointer;
      }
      button:focus-visible {
        outline-offset: 0;
      }
      @media (hover: hover) {
        button:hover .name {
          color: var(--hive-accent);
        }
      }
      .text {
        display: grid;
        min-inline-size: 0;
        overflow-wrap: anywhere;
      }
      .name {
        font-weight: 500;
        line-height: 1.35;
      }
    `,
  ];
}

customElements.define('hive-workspace-list', HiveWorkspaceList);

declare global {
  interface HTMLElementTagNameMap {
    'hive-workspace-list': HiveWorkspaceList;
  }
}
