import { css, html, LitElement, nothing } from 'lit';
import type { AuthProblem } from '../data/auth-problem.ts';
import { base } from '../styles/base.ts';
import './hive-cell.ts';

/** Why the last attempt failed, and how long to wait before the next. Read aloud when it appears, not every second. */
export class HiveAuthProblem extends LitElement {
  static override properties = { problem: { attribute: false }, waitSeconds: { attribute: false } };

  declare problem: AuthProblem | undefined;
  declare waitSeconds: number;

  constructor() {
    super();
    this.waitSeconds = 0;
  }

  protected override updated(): void {
    this.toggleAttribute('shown', this.problem !== undefined);
  }

  protected override render() {
    const { problem, waitSeconds } = this;
    return html`
      <div role="alert" class=${problem ? 'panel' : ''}>
        ${
          problem
            ? html`<hive-cell look=${waitSeconds > 0 ? 'queued' : 'failed'}></hive-cell>
                <p class="small">${problem.message}</p>`
            : nothing
        }
      </div>
      ${
        problem && waitSeconds > 0
          ? html`<p class="fine muted wait" aria-live="off">Try again in ${describeWait(waitSeconds)}.</p>`
          : nothing
      }
    `;
  }

  static override styles = [
    base,
    css`
      :host {
        --hive-cell-fill: none;
      }
      /* There all the time, or what appears in it is not read; but it takes no place. */
      :host(:not([shown])) {
        position: absolute;
      }
      .panel {
        display: grid;
        grid-template-columns: max-content minmax(0, 1fr);
        gap: var(--hive-3);
        padding: var(--hive-3) var(--hive-4);
        border-radius: var(--hive-radius);
        background: var(--hive-surface);
        overflow-wrap: anywhere;
      }
      .wait {
        margin-block-start: var(--hive-2);
      }
    `,
  ];
}

function describeWait(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
}

customElements.define('hive-auth-problem', HiveAuthProblem);

declare global {
  interface HTMLElementTagNameMap {
    'hive-auth-problem': HiveAuthProblem;
  }
}
