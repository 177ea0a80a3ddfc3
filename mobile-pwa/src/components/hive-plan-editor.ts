import { css, html, LitElement, nothing, type PropertyValues } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { act } from '../data/act.ts';
import { announce } from '../data/announce.ts';
import {
  addNode,
  findDraftProblem,
  possibleDependencies,
  removeNode,
  type DraftNode,
} from '../data/plan-draft.ts';
import { base, buttons, fields } from '../styles/base.ts';
import type { GoalDetail } from './hive-goal-run.ts';

/** Changes a plan before it starts. The draft is the person's until saved: live updates do not touch it. */
export class HivePlanEditor extends LitElement {
  static override properties = {
    goal: { attribute: false },
    _draft: { state: true },
    _problem: { state: true },
  };

  declare goal: GoalDetail | undefined;
  declare _draft: DraftNode[];
  declare _problem: string | undefined;

  constructor() {
    super();
    this._draft = [];
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has('goal') || this._draft.length > 0) return;
    this._draft = (this.goal?.plan?.nodes ?? []).map(
      ({ id, title, instruction, capabilities, dependsOn, risk }) => ({
        id,
        title,
        instruction,
        capabilities: [...capabilities],
        dependsOn: [...dependsOn],
        risk,
      }),
    );
  }

  protected override render() {
    return html`
      <ol>
        ${repeat(
          this._draft,
          (node) => node.id,
          (node, index) => this.#renderNode(node, index),
        )}
      </ol>
      <button class="wide" @click=${this.#onAdd}>Add a step</button>
      ${this._problem ? html`<p class="small problem">${this._problem}</p>` : nothing}
      <div class="end">
        <button class="primary wide" @click=${this.#onSave}>Save plan</button>
        <button class="wide" @click=${this.#close}>Leave as it was</button>
      </div>
    `;
  }

  #renderNode(node: DraftNode, index: number) {
    const possible = possibleDependencies(this._draft, node.id);
    const change = (part: Partial<DraftNode>) => this.#change(node.id, part);
    return html`
      <li>
        <div class="head">
          <h3>Step ${index + 1}</h3>
          <button
            class="plain"
            @click=${() => this.#remove(node.id)}
            aria-label=${`Remove step ${index + 1}`}
          >
            Remove
          </button>
        </div>
        <label for=${`title-${index}`}>Title</label>
        <input
          id=${`title-${index}`}
          type="text"
          .value=${node.title}
          @input=${(event: Event) => change({ title: (event.target as HTMLInputElement).value })}
        />
        <label for=${`instruction-${index}`}>Instruction</label>
        <textarea
          id=${`instruction-${index}`}
          rows="3"
          .value=${node.instruction}
          @input=${(event: Event) => change({ instruction: (event.target as HTMLTextAreaElement).value })}
        ></textarea>
        ${
          possible.length > 0
            ? html`
                <details>
                  <summary class="small">Waits for ${this.#describeDependencies(node)}</summary>
                  ${possible.map(
                    (other) => html`
                      <label class="choice">
                        <input
                          type="checkbox"
                          .checked=${node.dependsOn.includes(other.id)}
                          @change=${(event: Event) => {
                            const { checked } = event.target as HTMLInputElement;
                            const rest = node.dependsOn.filter((id) => id !== other.id);
                            change({ dependsOn: checked ? [...rest, other.id] : rest });
                          }}
                        />
                        ${other.title || 'A step without a title'}
                      </label>
                    `,
                  )}
                </details>
              `
            : nothing
        }
      </li>
    `;
  }

  #describeDependencies(node: DraftNode): string {
    const titles = this._draft
      .filter((other) => node.dependsOn.includes(other.id))
      .map((other) => other.title);
    return titles.length > 0 ? titles.join(', ') : 'nothing';
  }

  #change(id: string, part: Partial<DraftNode>): void {
    this._draft = this._draft.map((node) => (node.id === id ? { ...node, ...part } : node));
    this._problem = undefined;
  }

  #remove(id: string): void {
    this._draft = removeNode(this._draft, id);
    announce('Step removed.');
  }

  readonly #onAdd = (): void => {
    this._draft = addNode(this._draft);
  };

  readonly #close = (): void => void this.dispatchEvent(new CustomEvent('close'));

  readonly #onSave = async (): Promise<void> => {
    this._problem = findDraftProblem(this._draft);
    if (this._problem) announce(this._problem);
    if (this._problem || !this.goal) return;
    await act('editPlan', { goalId: this.goal.id, nodes: this._draft }, 'Save the plan');
    this.#close();
  };

  static override styles = [
    base,
    buttons,
    fields,
    css`
      li {
        display: grid;
        gap: var(--hive-2);
        padding-block: var(--hive-4) var(--hive-5);
        border-block-end: var(--hive-stroke) solid var(--hive-hairline);
      }
      .head {
        display: flex;
        align-items: center;
        justify-content: space-between;
      }
      .head .plain {
        margin-inline-end: calc(-1 * var(--hive-4));
      }
      summary {
        display: flex;
        align-items: center;
        min-block-size: var(--hive-target);
        color: var(--hive-muted);
        cursor: pointer;
      }
      ol + .wide {
        margin-block-start: var(--hive-4);
      }
      .problem {
        margin-block-start: var(--hive-4);
        font-weight: 600;
      }
      .end {
        display: grid;
        gap: var(--hive-3);
        margin-block-start: var(--hive-6);
      }
    `,
  ];
}

customElements.define('hive-plan-editor', HivePlanEditor);

declare global {
  interface HTMLElementTagNameMap {
    'hive-plan-editor': HivePlanEditor;
  }
}
