import { css, html, LitElement, nothing } from 'lit';
import { ROLE_NAMES, ROLE_TEXTS, ROLES, rolesToGive, type MemberRole } from '../data/member-role.ts';
import { base, fields } from '../styles/base.ts';

/** One of the roles, each with what it is for. Offers those the person may give, and says why not the others. */
export class HiveRolePicker extends LitElement {
  static override properties = { value: {}, own: {}, label: {}, compact: { type: Boolean } };

  declare value: MemberRole;
  /** The role of whoever gives it. */
  declare own: MemberRole;
  declare label: string;
  /** As a select box, where there are several beside each other. */
  declare compact: boolean;

  constructor() {
    super();
    this.value = 'VIEWER';
    this.own = 'VIEWER';
    this.label = 'Role';
    this.compact = false;
  }

  protected override render() {
    const roles = rolesToGive(this.own);
    return this.compact ? this.#renderSelect(roles) : this.#renderChoices(roles);
  }

  #renderSelect(roles: readonly MemberRole[]) {
    return html`
      <select aria-label=${this.label} @change=${this.#onChange}>
        ${roles.map(
          (role) => html`<option value=${role} ?selected=${role === this.value}>${ROLE_NAMES[role]}</option>`,
        )}
      </select>
    `;
  }

  #renderChoices(roles: readonly MemberRole[]) {
    const missing = ROLES.filter((role) => !roles.includes(role)).map((role) => ROLE_NAMES[role]);
    return html`
      <fieldset>
        <legend>${this.label}</legend>
        ${roles.map(
          (role) => html`
            <label class="choice">
              <input
                type="radio"
                name="role"
                value=${role}
                .checked=${role === this.value}
                @change=${this.#onChange}
              />
              <span>
                <b>${ROLE_NAMES[role]}</b>
                <span class="fine muted">${ROLE_TEXTS[role]}</span>
              </span>
            </label>
          `,
        )}
        ${
          missing.length > 0
            ? html`<p class="fine muted">
                Nobody gives a role above their own; yours is ${ROLE_NAMES[this.own]}.
              </p>`
            : nothing
        }
      </fieldset>
    `;
  }

  readonly #onChange = (event: Event): void => {
    this.value = (event.target as HTMLInputElement | HTMLSelectElement).value as MemberRole;
    this.dispatchEvent(new CustomEvent<MemberRole>('choose', { detail: this.value }));
  };

  static override styles = [
    base,
    fields,
    css`
      fieldset {
        display: grid;
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
        padding-block: var(--hive-2);
      }
      .choice + .choice {
        border-block-start: var(--hive-stroke) solid var(--hive-hairline);
      }
      .choice > span {
        display: grid;
        min-inline-size: 0;
      }
      b {
        font-weight: 600;
      }
    `,
  ];
}

customElements.define('hive-role-picker', HiveRolePicker);

declare global {
  interface HTMLElementTagNameMap {
    'hive-role-picker': HiveRolePicker;
  }
}
