import { css, html, LitElement, nothing } from 'lit';
import { EventController } from '../controllers/event-controller.ts';
import { hive } from '../data/hive.ts';
import type { OutboxEntry } from '../data/outbox-entry.ts';
import { base, buttons } from '../styles/base.ts';
import './hive-cell.ts';

/** The actions on one thing that are on their way: waiting, sent or refused, each with what can be done about it. */
export class HivePending extends LitElement {
  static override properties = { entity: {}, all: { type: Boolean }, editable: { type: Boolean } };

  /** Whose actions to show. */
  declare entity: string;
  declare all: boolean;
  /** Offers to take a refused action back for changes; fires `edit` with the entry. */
  declare editable: boolean;

  constructor() {
    super();
    this.entity = '';
    this.all = false;
    this.editable = false;
    new EventController(this, [hive.outbox, 'change'], [hive.connection, 'change']);
  }

  protected override render() {
    const entries = hive.outbox.entries.filter((entry) => this.all || entry.entity === this.entity);
    if (entries.length === 0) return nothing;
    return html`
      <ul aria-label="Actions on their way">
        ${entries.map((entry) => this.#renderEntry(entry))}
      </ul>
    `;
  }

  #renderEntry(entry: OutboxEntry) {
    const looks = { waiting: 'queued', sent: 'done', refused: 'failed' } as const;
    return html`
      <li>
        <hive-cell .look=${looks[entry.state]}></hive-cell>
        <div class="text">
          <p class="label">${entry.label}</p>
          <p class="fine muted">${this.#describe(entry)}</p>
          ${
            entry.state === 'refused'
              ? html`<div class="actions">
                  ${this.#renderRetry(entry)}
                  ${this.editable ? html`<button @click=${() => this.#onEdit(entry)}>Edit</button>` : nothing}
                  <button class="plain" @click=${() => void hive.outbox.discard(entry.id)}>Discard</button>
                </div>`
              : nothing
          }
          ${
            entry.state === 'waiting' && !hive.outbox.isSending(entry.id) && hive.connection.status !== 'live'
              ? html`<div class="actions tight">
                  <button class="plain" @click=${() => void hive.outbox.discard(entry.id)}>Take back</button>
                </div>`
              : nothing
          }
        </div>
      </li>
    `;
  }

  /** What a role forbids stays forbidden however often it is sent. */
  #renderRetry(entry: OutboxEntry) {
    const { code, reason } = entry.problem ?? {};
    if (reason === 'STEP_UP')
      return html`<button @click=${() => void this.#confirmAndRetry(entry)}>Confirm and send</button>`;
    if (code === 'FORBIDDEN') return nothing;
    return html`<button @click=${() => void hive.outbox.retry(entry.id)}>Send again</button>`;
  }

  async #confirmAndRetry(entry: OutboxEntry): Promise<void> {
    const { confirmIdentity } = await import('../data/step-up.ts');
    if (await confirmIdentity()) await hive.outbox.retry(entry.id);
  }

  #onEdit(entry: OutboxEntry): void {
    void hive.outbox.discard(entry.id);
    this.dispatchEvent(new CustomEvent<OutboxEntry>('edit', { detail: entry }));
  }

  #describe(entry: OutboxEntry): string {
    if (entry.state === 'sent') return 'Sent';
    if (entry.state === 'refused')
      return `Refused: ${entry.problem?.message ?? ''} (${entry.problem?.code ?? ''})`;
    if (hive.outbox.isSending(entry.id)) return 'Sending';
    if (hive.connection.status === 'offline') return 'Waiting for the connection. It is sent by itself.';
    if (entry.problem && entry.problem.code !== 'NETWORK') {
      return `Waiting. The hive could not do it yet: ${entry.problem.message}`;
    }
    return 'Waiting to be sent';
  }

  static override styles = [
    base,
    buttons,
    css`
      :host {
        --hive-cell-fill: none;
      }
      ul {
        display: grid;
        gap: var(--hive-2);
      }
      li {
        display: grid;
        grid-template-columns: max-content minmax(0, 1fr);
        gap: var(--hive-3);
        padding: var(--hive-3) var(--hive-4);
        border: var(--hive-stroke) dashed var(--hive-line);
        border-radius: var(--hive-radius);
      }
      .text {
        min-inline-size: 0;
        overflow-wrap: anywhere;
      }
      .label {
        font-size: var(--hive-text-15);
        font-weight: 550;
      }
      .actions {
        gap: var(--hive-2);
        margin-block: var(--hive-2) var(--hive-1);
      }
      .actions.tight {
        margin-block: 0 calc(-1 * var(--hive-2));
      }
      .plain {
        margin-inline-start: calc(-1 * var(--hive-4));
      }
      .actions > :not(.plain) + .plain {
        margin-inline-start: 0;
      }
    `,
  ];
}

customElements.define('hive-pending', HivePending);

declare global {
  interface HTMLElementTagNameMap {
    'hive-pending': HivePending;
  }
}
