import type { CombinedError } from '@urql/core';
import { css, html, LitElement, nothing } from 'lit';
import { EventController } from '../controllers/event-controller.ts';
import { describeError } from '../data/describe-error.ts';
import { hive } from '../data/hive.ts';
import { base, buttons } from '../styles/base.ts';
import './hive-cell.ts';

/** Why something could not be shown: the code for a report, the reason for a person, and a way to try again. */
export class HiveProblem extends LitElement {
  static override properties = { error: { attribute: false } };

  declare error: CombinedError | undefined;

  constructor() {
    super();
    new EventController(this, [hive.connection, 'change']);
  }

  protected override render() {
    if (!this.error) return nothing;
    const { code, heading, message } = describeError(this.error, hive.connection.status === 'offline');
    return html`
      <hive-cell look=${code === 'OFFLINE' ? 'offline' : 'failed'}></hive-cell>
      <div>
        <h2 class="title">${heading}</h2>
        <p class="small">${message}</p>
        <p class="fine muted mono">${code}</p>
        ${code === 'FORBIDDEN' ? nothing : html`<button @click=${this.#onRetry}>Try again</button>`}
      </div>
    `;
  }

  readonly #onRetry = (): void => void this.dispatchEvent(new CustomEvent('retry'));

  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: grid;
        grid-template-columns: max-content minmax(0, 1fr);
        gap: var(--hive-3);
        margin-block: var(--hive-4);
        padding: var(--hive-4);
        border-radius: var(--hive-radius);
        background: var(--hive-surface);
      }
      div {
        display: grid;
        gap: var(--hive-1);
        justify-items: start;
        min-inline-size: 0;
        overflow-wrap: anywhere;
      }
      button {
        margin-block-start: var(--hive-3);
      }
    `,
  ];
}

customElements.define('hive-problem', HiveProblem);

declare global {
  interface HTMLElementTagNameMap {
    'hive-problem': HiveProblem;
  }
}
