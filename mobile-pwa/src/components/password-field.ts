import { html, nothing } from 'lit';
import './hive-cell.ts';

export const LEAST_PASSWORD_LENGTH = 12;

interface PasswordField {
  label: string;
  value: string;
  onInput: (value: string) => void;
  /** A new one: says how long it is. Otherwise the one that is known. */
  isNew?: boolean;
  name?: string;
}

/**
 * A field for a password. Not an element of its own: browsers and password managers look for it in the form, and a
 * form does not reach into another shadow tree.
 */
export function passwordField({ label, value, onInput, isNew = false, name = 'password' }: PasswordField) {
  return html`
    <div class="field">
      <label for=${name}>${label}</label>
      <div class="secret">
        <input
          id=${name}
          name=${name}
          type="password"
          autocomplete=${isNew ? 'new-password' : 'current-password'}
          autocapitalize="off"
          spellcheck="false"
          required
          minlength=${isNew ? LEAST_PASSWORD_LENGTH : 1}
          maxlength="128"
          aria-describedby=${isNew ? `${name}-length` : nothing}
          .value=${value}
          @input=${(event: Event) => onInput((event.target as HTMLInputElement).value)}
        />
        <button
          type="button"
          aria-label=${`Show ${label.toLowerCase()}`}
          aria-pressed="false"
          @click=${toggle}
        >
          Show
        </button>
      </div>
      ${isNew ? html`<p id=${`${name}-length`} class="fine muted">${describeLength(value)}</p>` : nothing}
    </div>
  `;
}

/** Only what is certain: how long it is. Nothing here can know how hard it is to guess. */
function describeLength(value: string): string {
  const { length } = value;
  if (length === 0)
    return `At least ${LEAST_PASSWORD_LENGTH} characters. Four words nobody would put together are good.`;
  if (length < LEAST_PASSWORD_LENGTH) return `${length} of at least ${LEAST_PASSWORD_LENGTH} characters.`;
  return `${length} characters: long enough.`;
}

function toggle(event: Event): void {
  const button = event.currentTarget as HTMLButtonElement;
  const input = button.previousElementSibling as HTMLInputElement;
  const shown = input.type === 'text';
  input.type = shown ? 'password' : 'text';
  button.textContent = shown ? 'Show' : 'Hide';
  button.ariaPressed = String(!shown);
}
