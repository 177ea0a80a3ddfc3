import { css, html, LitElement, nothing } from 'lit';
import type { ResultOf } from '@hive/schema/operations/graphql.ts';
import type { healthFragment } from '@hive/schema/operations/health.ts';
import { formatAge } from '../data/format.ts';
import { SECRETS } from '../data/secret-names.ts';
import { statusLook } from '../data/status-look.ts';
import { base, rows } from '../styles/base.ts';
import './hive-cell.ts';
import './hive-set-secret.ts';

type Health = ResultOf<typeof healthFragment>;
type Provider = Health['providers'][number];

const NAMES: Record<Provider['kind'], string> = {
  OLLAMA: 'Ollama',
  LLAMACPP: 'llama.cpp',
  OPENAI_COMPATIBLE: 'OpenAI-compatible',
  OPENAI: 'OpenAI',
  ANTHROPIC: 'Anthropic',
  EXTRACTIVE: 'Extractive',
};

/** The setting that changes where each kind of provider is looked for. */
const HOW_TO: Record<Provider['kind'], string> = {
  OLLAMA: 'Install Ollama, run “ollama pull llama3.2”, and it is found by itself. Elsewhere? Set OLLAMA_URL.',
  LLAMACPP: 'Start llama-server with a model, and it is found by itself. Elsewhere? Set LLAMACPP_URL.',
  OPENAI_COMPATIBLE: 'Set OPENAI_BASE_URL and OPENAI_API_KEY for the server and start it again.',
  OPENAI: 'Needs a key: set here, or as OPENAI_API_KEY for the server, which goes before it.',
  ANTHROPIC: 'Needs a key: set here, or as ANTHROPIC_API_KEY for the server, which goes before it.',
  EXTRACTIVE: '',
};

/** Which models the hive can use, where it looked for each, and how to connect one that is missing. */
export class HiveModels extends LitElement {
  static override properties = {
    health: { attribute: false },
    secrets: { attribute: false },
    editable: { type: Boolean },
  };

  declare health: Health | undefined;
  /** Which keys of providers are kept here already, by name. */
  declare secrets: readonly { name: string; updatedAt: string }[];
  /** Whether the person may set them. `saved` fires when one was. */
  declare editable: boolean;

  constructor() {
    super();
    this.secrets = [];
    this.editable = false;
  }

  protected override render() {
    const { health } = this;
    if (!health) return nothing;
    return html`
      ${
        health.languageModelConnected
          ? nothing
          : html`<p class="small">
              No language model is connected, so answers are taken from your files word for word. Connect any
              of these; the hive notices within half a minute.
            </p>`
      }
      <ul class="rows">
        ${health.providers.map(
          (provider) => html`<li>${renderProvider(provider, this.editable, this.#renderKey(provider))}</li>`,
        )}
      </ul>
    `;
  }

  /** For providers that want a key: whether there is one, and the way to give one. */
  #renderKey({ kind }: Provider) {
    const known = SECRETS.find((secret) => secret.kind === kind);
    if (!known || !this.editable) return nothing;
    const secret = this.secrets.find(({ name }) => name === known.name);
    return html`
      ${
        secret
          ? html`<p class="fine muted">A key was set here ${formatAge(secret.updatedAt, Date.now())}.</p>`
          : nothing
      }
      <hive-set-secret
        .name=${known.name}
        .label=${known.label}
        ?replaces=${secret !== undefined}
        @saved=${() => this.dispatchEvent(new CustomEvent('saved'))}
      ></hive-set-secret>
    `;
  }

  static override styles = [
    base,
    rows,
    css`
      p {
        margin-block-end: var(--hive-2);
      }
      .provider {
        display: grid;
        grid-template-columns: max-content minmax(0, 1fr);
        gap: var(--hive-1) var(--hive-3);
        padding-block: var(--hive-3);
      }
      .text {
        display: grid;
        gap: var(--hive-1);
        min-inline-size: 0;
        overflow-wrap: anywhere;
      }
      .text p {
        margin: 0;
      }
      hive-set-secret {
        margin-block-start: var(--hive-2);
      }
    `,
  ];
}

function renderProvider(provider: Provider, editable: boolean, key: unknown) {
  const builtIn = provider.kind === 'EXTRACTIVE';
  const connected = provider.status === 'UP';
  const { look } = statusLook(provider.status);
  const checked =
    provider.checkedAt && provider.address ? ` · tried ${formatAge(provider.checkedAt, Date.now())}` : '';
  const state = describeState(provider);
  const howTo = connected ? '' : describeHowTo(provider.kind, editable);
  return html`
    <div class="provider">
      <hive-cell .look=${connected ? look : 'offline'}></hive-cell>
      <div class="text">
        <h2 class="title">${NAMES[provider.kind]}</h2>
        <p class="fine muted">${state}${builtIn ? '' : checked}</p>
        ${provider.address ? html`<p class="fine mono">${provider.address}</p>` : nothing}
        ${provider.models.length > 0 ? html`<p class="fine muted mono">${provider.models.join(', ')}</p>` : nothing}
        ${
          provider.failure && !connected && provider.failure.code !== 'NOT_CONFIGURED'
            ? html`<p class="fine muted">
                ${describeFailure(provider)} <span class="mono">${provider.failure.code}</span>
              </p>`
            : nothing
        }
        ${howTo ? html`<p class="small">${howTo}</p>` : nothing} ${key}
      </div>
    </div>
  `;
}

/** Without the address, which stands above it. */
function describeFailure({ failure, address }: Provider): string {
  return (failure?.message ?? '').replace(`${address}: `, '');
}

/** “Here” is only for those who find a button here. */
function describeHowTo(kind: Provider['kind'], editable: boolean): string {
  return editable ? HOW_TO[kind] : HOW_TO[kind].replace('set here,', 'set by an admin,');
}

function describeState({ kind, status, address }: Provider): string {
  if (kind === 'EXTRACTIVE') return 'Built in, always there';
  if (status === 'UP') return 'Connected';
  return address === null ? 'Not set up' : 'Not reachable';
}

customElements.define('hive-models', HiveModels);

declare global {
  interface HTMLElementTagNameMap {
    'hive-models': HiveModels;
  }
}
