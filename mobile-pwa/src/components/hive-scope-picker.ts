import { css, html, LitElement, nothing } from 'lit';
import { KEY_ACTIONS, SCOPE_PRESETS, type ScopePreset } from '../data/key-scopes.ts';
import { base, fields } from '../styles/base.ts';

/** What a key may do: one of three presets, or actions picked one by one. Fires `choose` with the scopes. */
export class HiveScopePicker extends LitElement {
  static override properties = { _preset: { state: true }, _picked: { state: true } };

  declare _preset: ScopePreset['value'];
  declare _picked: readonly string[];

  constructor() {
    super();
    this._preset = 'read';
    this._picked = [];
  }

  get scopes(): readonly string[] {
    if (this._preset === 'picked') return this._picked;
    return SCOPE_PRESETS.find(({ value }) => value === this._preset)?.scopes ?? [];
  }

  protected override render() {
    return html`
      <fieldset>
        <legend>May do</legend>
        ${SCOPE_PRESETS.map(
          ({ value, label, text }) => html`
            <label class="choice">
              <input
                type="radio"
                name="preset"
                value=${value}
                .checked=${this._preset === value}
                @change=${() => this.#choose(value, this._picked)}
              />
              <span class="two"><b>${label}</b><span class="fine muted">${text}</span></span>
            </label>
          `,
        )}
      </fieldset>
      ${this._preset === 'picked' ? this.#renderActions() : nothing}
    `;
  }

  #renderActions() {
    return html`
      <div class="actions">
        ${KEY_ACTIONS.map(
          ({ title, actions }) => html`
            <fieldset>
              <legend>${title}</legend>
              ${Object.entries(actions).map(
                ([action, text]) => html`
                  <label class="choice">
                    <input
                      type="checkbox"
                      .checked=${this._picked.includes(action)}
                      @change=${(event: Event) => this.#toggle(action, (event.target as HTMLInputElement).checked)}
                    />
                    <span class="two">
                      <span>${text}</span>
                      <span class="fine muted mono">${action}</span>
                    </span>
                  </label>
                `,
              )}
            </fieldset>
          `,
        )}
      </div>
    `;
  }

  #toggle(action: string, chosen: boolean): void {
    const others = this._picked.filter((each) => each !== action);
    this.#choose('picked', chosen ? [...others, action] : others);
  }

  #choose(preset: ScopePreset['value'], picked: readonly string[]): void {
    this._preset = preset;
    this._picked = picked;
    this.dispatchEvent(new CustomEvent<readonly string[]>('choose', { detail: this.scopes }));
  }

  static override styles = [
    base,
    fields,
    css`
      fieldset {
        min-inline-size: 0;
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
      .actions {
        display: grid;
        gap: var(--hive-4);
        margin-block-start: var(--hive-2);
        padding: var(--hive-4);
        border-radius: var(--hive-radius);
        background: var(--hive-surface);
      }
    `,
  ];
}

customElements.define('hive-scope-picker', HiveScopePicker);

declare global {
  interface HTMLElementTagNameMap {
    'hive-scope-picker': HiveScopePicker;
  }
}
