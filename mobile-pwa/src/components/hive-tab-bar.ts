import { css, html, LitElement, svg } from 'lit';
import type { Tab } from '../routes.ts';
import { base } from '../styles/base.ts';

interface TabItem {
  tab: Tab;
  path: string;
  label: string;
  icon: ReturnType<typeof svg>;
}

/** A small hexagon around (x, y). */
const cell = (x: number, y: number, r: number) =>
  `M${x} ${y - r} ${x + r * 0.87} ${y - r / 2}V${y + r / 2}L${x} ${y + r} ${x - r * 0.87} ${y + r / 2}V${y - r / 2}Z`;

const TABS: TabItem[] = [
  {
    tab: 'fleet',
    path: '/fleet',
    label: 'Fleet',
    icon: svg`<path d=${`${cell(7, 8.2, 4.4)}${cell(17, 8.2, 4.4)}${cell(12, 16.8, 4.4)}`}></path>`,
  },
  {
    tab: 'dispatch',
    path: '/dispatch',
    label: 'Dispatch',
    icon: svg`<path d=${cell(12, 12, 10)}></path><path d="M8.2 12.6 12 8.8 15.8 12.6M12 9V16.2"></path>`,
  },
  {
    tab: 'work',
    path: '/work',
    label: 'Work',
    icon: svg`<path d=${`${cell(5.6, 6.4, 3.2)}${cell(5.6, 17.6, 3.2)}M12 6.4H21M12 17.6H21`}></path>`,
  },
];

/** The tabs, where the thumb is; a rail at the side on wide screens and on a phone held sideways. */
export class HiveTabBar extends LitElement {
  static override properties = { current: {} };

  declare current: Tab | undefined;

  protected override render() {
    return html`
      <nav aria-label="Main">
        ${TABS.map(
          ({ tab, path, label, icon }) => html`
            <a href=${path} aria-current=${tab === this.current ? 'page' : 'false'}>
              <svg viewBox="0 0 24 24" aria-hidden="true">${icon}</svg>
              <span>${label}</span>
            </a>
          `,
        )}
      </nav>
    `;
  }

  static override styles = [
    base,
    css`
      nav {
        position: fixed;
        inset-inline: 0;
        inset-block-end: 0;
        z-index: 2;
        display: flex;
        justify-content: center;
        padding-block-end: env(safe-area-inset-bottom);
        border-block-start: var(--hive-stroke) solid var(--hive-hairline);
        background: var(--hive-background);
      }
      a {
        display: flex;
        flex: 1;
        flex-direction: column;
        align-items: center;
        justify-content: center;
        gap: 0.125rem;
        block-size: var(--hive-tab-bar);
        max-inline-size: 10rem;
        color: var(--hive-muted);
        font-size: var(--hive-text-12);
        font-weight: 550;
        text-decoration: none;
      }
      a:focus-visible {
        outline-offset: calc(-1 * var(--hive-1));
      }
      svg {
        inline-size: var(--hive-6);
        block-size: var(--hive-6);
        fill: none;
        stroke: currentColor;
        stroke-width: 1.7;
        stroke-linejoin: round;
        stroke-linecap: round;
      }
      a[aria-current='page'] {
        color: var(--hive-accent);
        font-weight: 700;
      }
      a[aria-current='page'] svg {
        fill: color-mix(in srgb, var(--hive-accent) 18%, transparent);
        stroke-width: 2;
      }
      @media (min-width: 60rem), (min-width: 40rem) and (max-height: 30rem) {
        nav {
          inset-block: 0;
          inset-inline: 0 auto;
          flex-direction: column;
          inline-size: 6rem;
          border-block-start: 0;
          border-inline-end: var(--hive-stroke) solid var(--hive-hairline);
        }
        a {
          flex: none;
          block-size: 5rem;
        }
      }
    `,
  ];
}

customElements.define('hive-tab-bar', HiveTabBar);

declare global {
  interface HTMLElementTagNameMap {
    'hive-tab-bar': HiveTabBar;
  }
}
