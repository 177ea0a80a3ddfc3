import { css, html, LitElement, nothing, svg } from 'lit';
import type { auditEntryFragment } from '@hive/schema/operations/audit.ts';
import type { ResultOf } from '@hive/schema/operations/graphql.ts';
import { describeActor, describeAuditAction } from '../data/audit-words.ts';
import { formatAge, formatMoment } from '../data/format.ts';
import type { Look } from '../data/status-look.ts';
import { describeUserAgent } from '../data/user-agent.ts';
import { base, rows } from '../styles/base.ts';
import './hive-cell.ts';
import './hive-copy.ts';
import './hive-json.ts';

export type AuditEntry = ResultOf<typeof auditEntryFragment>;

const OUTCOMES: Record<AuditEntry['outcome'], { look: Look; label: string }> = {
  ALLOWED: { look: 'done', label: 'Done' },
  DENIED: { look: 'ended', label: 'Refused' },
  FAILED: { look: 'failed', label: 'Failed' },
};

/** One line of the audit trail; opened, everything that was recorded. */
export class HiveAuditEntry extends LitElement {
  static override properties = { entry: { attribute: false } };

  declare entry: AuditEntry | undefined;

  protected override render() {
    const { entry } = this;
    if (!entry) return nothing;
    const { look, label } = OUTCOMES[entry.outcome];
    const now = Date.now();
    return html`
      <details>
        <summary>
          <hive-cell .look=${look} .label=${label}></hive-cell>
          <span class="text">
            <span class="heading">${describeAuditAction(entry.action, entry.detail)}</span>
            <span class="facts">
              <span
                >${describeActor(entry)}${entry.outcome === 'ALLOWED' ? '' : ` · ${label.toLowerCase()}`}</span
              >
              <span class="aside">${formatAge(entry.at, now)}</span>
            </span>
          </span>
        </summary>
        <div class="body">
          <dl class="facts-list">
            <dt>When</dt>
            <dd><time datetime=${entry.at}>${formatMoment(entry.at, now)}</time></dd>
            <dt>Who</dt>
            <dd>${describeActor(entry)}</dd>
            <dt>What</dt>
            <dd class="mono">${entry.action}</dd>
            ${
              entry.subjectId
                ? html`<dt>About</dt>
                    <dd class="mono">${entry.subjectId}</dd>`
                : nothing
            }
            ${
              entry.address
                ? html`<dt>From</dt>
                    <dd>
                      <span class="mono">${entry.address}</span>${
                        entry.userAgent ? `, ${describeUserAgent(entry.userAgent)}` : ''
                      }
                    </dd>`
                : nothing
            }
          </dl>
          <section>
            <h2>Details</h2>
            <hive-json .value=${entry.detail}></hive-json>
          </section>
          <p class="fine muted seal">
            <svg viewBox="0 0 24 24" aria-hidden="true">
              <path d="M12 1.6 21 6.8V17.2L12 22.4 3 17.2V6.8Z"></path>
              ${entry.sealed ? svg`<path d="M8 12.3 10.9 15.2 16.2 9.2"></path>` : nothing}
            </svg>
            ${
              entry.sealed
                ? 'Sealed: its hash is part of the chain, so changing or removing it would show.'
                : 'Not sealed yet: it enters the chain of hashes within seconds.'
            }
          </p>
          <hive-copy .text=${JSON.stringify(entry, undefined, 2)} label="Copy as JSON"></hive-copy>
        </div>
      </details>
    `;
  }

  static override styles = [
    base,
    rows,
    css`
      summary {
        display: grid;
        grid-template-columns: max-content minmax(0, 1fr);
        gap: var(--hive-3);
        align-items: start;
        min-block-size: var(--hive-12);
        padding-block: var(--hive-3);
        cursor: pointer;
        list-style: none;
      }
      summary::-webkit-details-marker {
        display: none;
      }
      summary:focus-visible {
        outline-offset: 0;
      }
      .text {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 0.125rem;
        min-inline-size: 0;
      }
      .heading {
        font-weight: 500;
        line-height: 1.35;
        overflow-wrap: anywhere;
      }
      .facts {
        display: flex;
        flex-wrap: wrap;
        gap: 0 var(--hive-3);
        justify-content: space-between;
        color: var(--hive-muted);
        font-size: var(--hive-text-13);
      }
      .facts > :first-child {
        flex: 1 1 7rem;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .aside {
        flex: none;
      }
      .body {
        display: grid;
        gap: var(--hive-4);
        margin-block-end: var(--hive-4);
        padding: var(--hive-4);
        border-radius: var(--hive-radius);
        background: var(--hive-surface);
      }
      .facts-list {
        display: grid;
        grid-template-columns: max-content minmax(0, 1fr);
        gap: var(--hive-1) var(--hive-4);
        font-size: var(--hive-text-15);
      }
      .facts-list dt {
        color: var(--hive-muted);
      }
      .facts-list dd {
        overflow-wrap: anywhere;
      }
      .body h2 {
        margin-block-end: var(--hive-1);
        font-size: var(--hive-text-13);
      }
      .seal {
        display: grid;
        grid-template-columns: max-content minmax(0, 1fr);
        gap: var(--hive-2);
      }
      .seal svg {
        inline-size: var(--hive-5);
        block-size: var(--hive-5);
        fill: none;
        stroke: currentColor;
        stroke-width: 1.7;
        stroke-linecap: round;
        stroke-linejoin: round;
      }
      hive-copy {
        justify-self: start;
      }
    `,
  ];
}

customElements.define('hive-audit-entry', HiveAuditEntry);

declare global {
  interface HTMLElementTagNameMap {
    'hive-audit-entry': HiveAuditEntry;
  }
}
