import { css, html, LitElement } from 'lit';
import { base, buttons } from '../styles/base.ts';
import './hive-copy.ts';

/**
 * Something that is shown this one time. It is kept in this element only: not in the cache, not in the address, gone
 * with the page. Leaving while it has not been put away asks first. `done` fires when the person has it.
 */
export class HiveSecretOnce extends LitElement {
  static override properties = {
    heading: {},
    text: {},
    secret: { attribute: false },
    copyLabel: { attribute: 'copy-label' },
    doneLabel: { attribute: 'done-label' },
  };

  declare heading: string;
  /** What it is for and what happens to whoever loses it. */
  declare text: string;
  declare secret: string;
  declare copyLabel: string;
  declare doneLabel: string;

  constructor() {
    super();
    this.heading = '';
    this.text = '';
    this.secret = '';
    this.copyLabel = 'Copy';
    this.doneLabel = 'I have kept it';
  }

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener('beforeunload', this.#onUnload);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener('beforeunload', this.#onUnload);
  }

  protected override firstUpdated(): void {
    this.renderRoot.querySelector<HTMLElement>('h2')?.focus({ preventScroll: true });
    this.scrollIntoView({ block: 'nearest' });
  }

  protected override render() {
    return html`
      <section aria-labelledby="heading">
        <h2 class="title" id="heading" tabindex="-1">${this.heading}</h2>
        <p class="small muted">${this.text}</p>
        <output class="mono">${this.secret}</output>
        <div class="actions">
          <hive-copy primary .text=${this.secret} .label=${this.copyLabel}></hive-copy>
          <slot name="actions"></slot>
        </div>
        <slot></slot>
        <button @click=${() => this.dispatchEvent(new CustomEvent('done'))}>${this.doneLabel}</button>
      </section>
    `;
  }

  readonly #onUnload = (event: BeforeUnloadEvent): void => event.preventDefault();

  static override styles = [
    base,
    buttons,
    css`
      section {
        display: grid;
        gap: var(--hive-3);
        padding: var(--hive-4);
        border: var(--hive-stroke-strong) solid var(--hive-accent);
        border-radius: var(--hive-4);
        background: var(--hive-surface);
      }
      h2 {
        outline: none;
      }
      output {
        display: block;
        padding: var(--hive-3);
        border-radius: var(--hive-radius);
        background: var(--hive-background);
        font-size: var(--hive-text-15);
        line-height: 1.5;
        overflow-wrap: anywhere;
        user-select: all;
      }
      .actions > * {
        flex: 1 1 8rem;
      }
    `,
  ];
}

customElements.define('hive-secret-once', HiveSecretOnce);

declare global {
  interface HTMLElementTagNameMap {
    'hive-secret-once': HiveSecretOnce;
  }
}
