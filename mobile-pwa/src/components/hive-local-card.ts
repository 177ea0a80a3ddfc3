import { css, html, LitElement } from 'lit';
import { AttemptController } from '../controllers/attempt-controller.ts';
import { createSetupLink } from '../data/auth-api.ts';
import { AuthProblem } from '../data/auth-problem.ts';
import { base, buttons } from '../styles/base.ts';
import './hive-auth-problem.ts';

/** For whoever is at the machine of a hive without an owner: what that means, and the way to change it. */
export class HiveLocalCard extends LitElement {
  readonly #attempt = new AttemptController(this);

  protected override render() {
    return html`
      <section>
        <h2 class="title">Only this machine can use this hive</h2>
        <p class="small">
          Nobody signs in yet, so nothing else on the network is answered. Create your account to open it from
          a phone, invite others and make API keys.
        </p>
        <hive-auth-problem
          .problem=${this.#attempt.problem}
          .waitSeconds=${this.#attempt.waitSeconds}
        ></hive-auth-problem>
        <button class="primary" ?disabled=${this.#attempt.blocked} @click=${this.#onCreate}>
          Create your account
        </button>
      </section>
    `;
  }

  readonly #onCreate = (): void => {
    void this.#attempt.run('link', async () => {
      const { url } = await createSetupLink();
      const { hash } = new URL(url, location.href);
      if (!hash) throw new AuthProblem('UNREADABLE', 'The hive gave no setup link.');
      // Here, whatever name the hive goes by elsewhere: this is where the person is.
      location.assign(`/setup${hash}`);
    });
  };

  static override styles = [
    base,
    buttons,
    css`
      section {
        display: grid;
        gap: var(--hive-2);
        justify-items: start;
        padding: var(--hive-4);
        border-radius: var(--hive-radius);
        background: var(--hive-surface);
      }
      button {
        margin-block-start: var(--hive-2);
      }
    `,
  ];
}

customElements.define('hive-local-card', HiveLocalCard);

declare global {
  interface HTMLElementTagNameMap {
    'hive-local-card': HiveLocalCard;
  }
}
