import { css, html, LitElement, nothing } from 'lit';
import { base, buttons } from '../styles/base.ts';

/** The end of a list that has more: asks for it before the person gets there, and on a tap. */
export class HiveMore extends LitElement {
  static override properties = { more: { type: Boolean }, loading: { type: Boolean } };

  declare more: boolean;
  declare loading: boolean;
  #observer: IntersectionObserver | undefined;

  constructor() {
    super();
    this.more = false;
    this.loading = false;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) this.#ask();
      },
      { rootMargin: '600px' },
    );
    this.#observer.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#observer?.disconnect();
  }

  protected override render() {
    if (!this.more) return nothing;
    return html`<button class="plain wide" @click=${this.#ask}>
      ${this.loading ? 'Loading more' : 'Show more'}
    </button>`;
  }

  protected override updated(): void {
    // Still in sight after a page was added: the observer only reports changes, so look again.
    if (!this.more || this.loading || !this.#observer) return;
    this.#observer.unobserve(this);
    this.#observer.observe(this);
  }

  readonly #ask = (): void => {
    if (this.more && !this.loading) this.dispatchEvent(new CustomEvent('more'));
  };

  static override styles = [
    base,
    buttons,
    css`
      :host {
        min-block-size: 1px;
      }
    `,
  ];
}

customElements.define('hive-more', HiveMore);

declare global {
  interface HTMLElementTagNameMap {
    'hive-more': HiveMore;
  }
}
