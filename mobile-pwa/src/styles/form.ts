import { css } from 'lit';

/** Forms of one column: each field under its label, what is wrong or known about it under the field. */
export const form = css`
  form,
  .stack {
    display: grid;
    gap: var(--hive-4);
  }
  .field {
    display: grid;
    gap: var(--hive-1);
  }
  input[type='email'],
  input[type='password'] {
    inline-size: 100%;
    min-block-size: var(--hive-target);
    padding: var(--hive-2) var(--hive-3);
    border: var(--hive-stroke) solid var(--hive-line);
    border-radius: var(--hive-radius);
    background: var(--hive-background);
    color: var(--hive-ink);
    font: var(--hive-text-17) / 1.4 var(--hive-sans);
  }
  input.code {
    font-family: var(--hive-mono);
    letter-spacing: 0.12em;
  }
  .secret {
    position: relative;
  }
  .secret input {
    padding-inline-end: 4.75rem;
  }
  .secret button {
    position: absolute;
    inset-block: 0;
    inset-inline-end: 0;
    padding-inline: var(--hive-3);
    border-color: transparent;
    color: var(--hive-accent);
  }
  .command {
    white-space: nowrap;
  }
  .or {
    display: flex;
    align-items: center;
    gap: var(--hive-3);
    color: var(--hive-muted);
    font-size: var(--hive-text-13);
  }
  .or::before,
  .or::after {
    flex: 1;
    block-size: var(--hive-stroke);
    background: var(--hive-hairline);
    content: '';
  }
  .ways {
    display: flex;
    flex-wrap: wrap;
    gap: 0 var(--hive-5);
    margin-block-start: calc(-1 * var(--hive-2));
  }
  .ways button {
    padding-inline: 0;
    border-color: transparent;
    background: transparent;
    color: var(--hive-accent);
    text-align: start;
  }
`;
