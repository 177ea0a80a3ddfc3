import { css, html, LitElement, nothing } from 'lit';
import { inviteMemberMutation } from '@hive/schema/operations/members.ts';
import type { HiveMemberForm, MemberChange } from '../components/hive-member-form.ts';
import { EventController } from '../controllers/event-controller.ts';
import { confirmAndSend } from '../data/direct.ts';
import { formatMoment } from '../data/format.ts';
import { ROLE_NAMES } from '../data/member-role.ts';
import { session } from '../data/session.ts';
import { navigate } from '../navigation.ts';
import { base, buttons, fields } from '../styles/base.ts';
import '../components/hive-local-card.ts';
import '../components/hive-member-form.ts';
import '../components/hive-not-allowed.ts';
import '../components/hive-page-header.ts';
import '../components/hive-qr.ts';
import '../components/hive-secret-once.ts';

const EXPIRIES = [
  { hours: 24, label: 'One day' },
  { hours: 72, label: 'Three days' },
  { hours: 168, label: 'A week' },
];

interface Made {
  url: string;
  role: string;
  expiresAt: string;
}

/** Makes a link that lets somebody join; it is shown here, once. */
export class HiveInviteView extends LitElement {
  static override properties = {
    itemId: {},
    _made: { state: true },
    _problem: { state: true },
    _sending: { state: true },
  };

  declare itemId: string;
  declare _made: Made | undefined;
  declare _problem: string;
  declare _sending: boolean;

  constructor() {
    super();
    this.itemId = '';
    this._problem = '';
    this._sending = false;
    new EventController(this, [session, 'change']);
  }

  protected override render() {
    const inviting = session.may('member.invite');
    return html`
      <hive-page-header
        heading="Invite someone"
        back-href="/settings/members"
        back-label="Members"
      ></hive-page-header>
      ${
        this._made
          ? this.#renderMade(this._made)
          : session.isLocal
            ? html`<hive-local-card></hive-local-card>`
            : inviting.allowed
              ? this.#renderForm()
              : html`<hive-not-allowed
                  heading="Inviting is for admins"
                  .message=${inviting.message ?? ''}
                ></hive-not-allowed>`
      }
    `;
  }

  #renderForm() {
    return html`
      <p class="small muted intro">
        You get a link to send. Whoever opens it joins ${session.viewer?.workspaceName ?? 'the workspace'}; it
        works once.
      </p>
      <hive-member-form
        .own=${session.viewer?.role ?? 'VIEWER'}
        .action=${this._sending ? 'Making the link' : 'Make the link'}
        @save=${this.#onSave}
      >
        <div class="field">
          <label for="note">Who is it for?</label>
          <input id="note" type="text" maxlength="200" autocomplete="off" aria-describedby="note-hint" />
          <p id="note-hint" class="fine muted">
            A name, so that you recognise the invitation. Admins see it, nobody else.
          </p>
        </div>
        <div class="field">
          <label for="expiry">The link works for</label>
          <select id="expiry">
            ${EXPIRIES.map(({ hours, label }) => html`<option value=${hours} ?selected=${hours === 72}>${label}</option>`)}
          </select>
        </div>
        <p class="small problem" role="alert" ?hidden=${this._problem === ''}>${this._problem}</p>
      </hive-member-form>
    `;
  }

  #renderMade({ url, role, expiresAt }: Made) {
    const canShare = typeof navigator.share === 'function';
    return html`
      <hive-secret-once
        heading="The invitation is ready"
        .text=${`This link makes whoever opens it first ${role}. It is shown only now and ends ${formatMoment(expiresAt, Date.now())}.`}
        .secret=${url}
        copy-label="Copy link"
        done-label="Done"
        @done=${() => navigate('/settings/members', { replace: true })}
      >
        ${
          canShare
            ? html`<button slot="actions" @click=${() => void this.#share(url)}>Share</button>`
            : nothing
        }
        <div class="qr">
          <hive-qr .text=${url} label="The invitation as a QR code"></hive-qr>
          <p class="fine muted">Or let them scan it from your screen.</p>
        </div>
      </hive-secret-once>
    `;
  }

  async #share(url: string): Promise<void> {
    try {
      const title = `Join ${session.viewer?.workspaceName ?? 'the hive'}`;
      await navigator.share({ title, url });
    } catch {
      // Closing the sheet is an answer, too.
    }
  }

  readonly #onSave = async (event: CustomEvent<MemberChange>): Promise<void> => {
    if (this._sending) return;
    this._problem = '';
    this._sending = true;
    const form = event.target as HiveMemberForm;
    const note = form.querySelector<HTMLInputElement>('#note')?.value.trim() ?? '';
    const expiresInHours = Number(form.querySelector<HTMLSelectElement>('#expiry')?.value ?? 72);
    const outcome = await confirmAndSend(inviteMemberMutation, { ...event.detail, note, expiresInHours });
    this._sending = false;
    if (!outcome.ok) {
      this._problem = outcome.message;
      return;
    }
    const { url, invitation } = outcome.value;
    if (url === null) {
      this._problem =
        'The invitation was made, but its link was shown before. Revoke it and make another one.';
      return;
    }
    this._made = { url, role: withArticle(ROLE_NAMES[invitation.role]), expiresAt: invitation.expiresAt };
  };

  static override styles = [
    base,
    buttons,
    fields,
    css`
      .intro {
        margin-block-end: var(--hive-5);
      }
      .field {
        display: grid;
        gap: var(--hive-2);
        margin-block-end: var(--hive-5);
      }
      .qr {
        display: grid;
        gap: var(--hive-2);
        justify-items: center;
        padding-block: var(--hive-2);
      }
      .problem {
        color: var(--hive-failed);
        font-weight: 600;
      }
    `,
  ];
}

function withArticle(role: string): string {
  return `${/^[AEIOU]/.test(role) ? 'an' : 'a'} ${role.toLowerCase()}`;
}

customElements.define('hive-invite-view', HiveInviteView);

declare global {
  interface HTMLElementTagNameMap {
    'hive-invite-view': HiveInviteView;
  }
}
