import { css } from 'lit';

/** What every component starts from: box model, text, links, buttons, fields, focus. */
export const base = css`
  :host {
    display: block;
  }
  :host([hidden]),
  [hidden] {
    display: none !important;
  }
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  h1,
  h2,
  h3,
  p,
  ul,
  ol,
  dl,
  dd,
  figure {
    margin: 0;
    padding: 0;
  }
  ul,
  ol {
    list-style: none;
  }
  /* What somebody typed, right-to-left marks included, must not reorder the words around it. */
  a,
  b,
  span,
  strong,
  dd {
    unicode-bidi: isolate;
  }
  h1 {
    font-size: var(--hive-text-26);
    font-weight: 650;
    line-height: 1.2;
    letter-spacing: -0.015em;
    text-wrap: balance;
    outline: none;
  }
  h2 {
    font-size: var(--hive-text-13);
    font-weight: 600;
    line-height: 1.3;
    color: var(--hive-muted);
  }
  h3,
  h2.title {
    color: inherit;
    font-size: var(--hive-text-17);
    font-weight: 600;
    line-height: 1.35;
  }
  a {
    color: var(--hive-accent);
    text-underline-offset: 0.18em;
    text-decoration-thickness: from-font;
  }
  :focus-visible {
    outline: var(--hive-stroke-strong) solid var(--hive-accent);
    outline-offset: var(--hive-stroke-strong);
    border-radius: var(--hive-radius-small);
  }
  .mono {
    font-family: var(--hive-mono);
    font-size: 0.9em;
  }
  .small {
    font-size: var(--hive-text-15);
    line-height: 1.4;
  }
  .fine {
    font-size: var(--hive-text-13);
    line-height: 1.4;
  }
  .muted {
    color: var(--hive-muted);
  }
  .hidden-text {
    position: absolute;
    inline-size: 1px;
    block-size: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
`;

/** Buttons: one filled for the thing to do, outlined for what else can be done, plain for the rest. */
export const buttons = css`
  button,
  .button {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: var(--hive-2);
    min-block-size: var(--hive-target);
    min-inline-size: var(--hive-target);
    padding: var(--hive-2) var(--hive-4);
    border: var(--hive-stroke) solid var(--hive-line);
    border-radius: var(--hive-radius);
    background: transparent;
    color: var(--hive-ink);
    font: 600 var(--hive-text-15) / 1.2 var(--hive-sans);
    text-decoration: none;
    cursor: pointer;
    transition:
      background var(--hive-fast) var(--hive-ease),
      border-color var(--hive-fast) var(--hive-ease);
  }
  @media (hover: hover) {
    button:hover:not(:disabled),
    .button:hover {
      background: var(--hive-accent-soft);
    }
  }
  button:active:not(:disabled),
  .button:active {
    background: color-mix(in srgb, var(--hive-accent) 18%, var(--hive-background));
  }
  button.primary,
  .button.primary {
    border-color: var(--hive-accent);
    background: var(--hive-accent);
    color: var(--hive-on-accent);
  }
  @media (hover: hover) {
    button.primary:hover:not(:disabled) {
      background: color-mix(in srgb, var(--hive-accent) 88%, var(--hive-ink));
    }
  }
  button.primary:active:not(:disabled) {
    background: color-mix(in srgb, var(--hive-accent) 80%, var(--hive-ink));
  }
  button.danger {
    border-color: var(--hive-failed);
    color: var(--hive-failed);
  }
  button.plain {
    border-color: transparent;
    color: var(--hive-accent);
  }
  button:disabled {
    border-color: var(--hive-hairline);
    background: transparent;
    color: var(--hive-muted);
    cursor: not-allowed;
  }
  button.wide {
    inline-size: 100%;
    min-block-size: var(--hive-12);
    font-size: var(--hive-text-17);
  }
  .actions {
    display: flex;
    flex-wrap: wrap;
    gap: var(--hive-3);
  }
`;

export const fields = css`
  label,
  legend {
    font-size: var(--hive-text-13);
    font-weight: 600;
    color: var(--hive-muted);
  }
  input[type='text'],
  input[type='search'],
  input[type='password'],
  textarea,
  select {
    inline-size: 100%;
    min-block-size: var(--hive-target);
    padding: var(--hive-2) var(--hive-3);
    border: var(--hive-stroke) solid var(--hive-line);
    border-radius: var(--hive-radius);
    background: var(--hive-background);
    color: var(--hive-ink);
    font: var(--hive-text-17) / 1.4 var(--hive-sans);
  }
  textarea {
    display: block;
    resize: vertical;
    field-sizing: content;
  }
  ::placeholder {
    color: var(--hive-muted);
    opacity: 1;
  }
  input[type='checkbox'],
  input[type='radio'] {
    flex: none;
    inline-size: var(--hive-5);
    block-size: var(--hive-5);
    margin: 0;
    accent-color: var(--hive-accent);
  }
  .choice {
    display: flex;
    align-items: center;
    gap: var(--hive-3);
    min-block-size: var(--hive-target);
    color: var(--hive-ink);
    font-size: var(--hive-text-15);
    font-weight: 400;
    cursor: pointer;
  }
`;

/** Rows separated by hairlines, the shape of every list in the app. */
export const rows = css`
  .rows > li {
    border-block-end: var(--hive-stroke) solid var(--hive-hairline);
  }
  .rows > li:last-child {
    border-block-end: 0;
  }
  .section {
    margin-block-start: var(--hive-8);
  }
  .section > h2,
  .section-head {
    margin-block-end: var(--hive-2);
  }
  .section-head {
    display: flex;
    align-items: baseline;
    justify-content: space-between;
    gap: var(--hive-3);
  }
  .fold > summary {
    display: flex;
    align-items: center;
    gap: var(--hive-3);
    min-block-size: var(--hive-target);
    cursor: pointer;
    list-style: none;
  }
  .fold > summary::-webkit-details-marker {
    display: none;
  }
  .fold > summary::after {
    flex: none;
    inline-size: var(--hive-2);
    block-size: var(--hive-2);
    margin-inline: auto var(--hive-1);
    border: solid var(--hive-muted);
    border-width: 0 var(--hive-stroke-strong) var(--hive-stroke-strong) 0;
    content: '';
    transform: translateY(-25%) rotate(45deg);
  }
  .fold[open] > summary::after {
    transform: translateY(25%) rotate(-135deg);
  }
  .panel {
    padding: var(--hive-4);
    border-radius: var(--hive-radius);
    background: var(--hive-surface);
  }
  dl.facts {
    display: grid;
    grid-template-columns: max-content 1fr;
    gap: var(--hive-2) var(--hive-4);
    align-items: baseline;
    font-size: var(--hive-text-15);
  }
  dl.facts dt {
    color: var(--hive-muted);
  }
  dl.facts dd {
    overflow-wrap: anywhere;
  }
  /* A large text size leaves no room for two columns. */
  @media (max-width: 17rem) {
    dl.facts {
      grid-template-columns: minmax(0, 1fr);
      gap: 0;
    }
    dl.facts dd {
      margin-block-end: var(--hive-2);
    }
  }
`;
