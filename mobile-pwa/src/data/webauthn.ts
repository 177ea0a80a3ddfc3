import {
  passkeyRegistrationOptions,
  passkeySignInOptions,
  registerPasskey,
  signInWithPasskeyResponse,
  stepUpOptions,
  stepUpWithPasskey,
  type CeremonyOptions,
} from './auth-api.ts';
import { AuthProblem } from './auth-problem.ts';
import { base64UrlOf, bytesOf } from './base64url.ts';

/**
 * Why passkeys do not work on this page, if they do not. `INSECURE`: plain HTTP from another machine. `ADDRESS`: passkeys
 * belong to a name, and this page was opened by an IP address. `BROWSER`: it knows none.
 */
export type PasskeyObstacle = 'INSECURE' | 'ADDRESS' | 'BROWSER';

export function passkeyObstacle(): PasskeyObstacle | undefined {
  if (!isSecureContext) return 'INSECURE';
  if (isAddress(location.hostname)) return 'ADDRESS';
  if (typeof PublicKeyCredential === 'undefined') return 'BROWSER';
  return undefined;
}

export function isAddress(hostname: string): boolean {
  return hostname.startsWith('[') || /^\d{1,3}(\.\d{1,3}){3}$/.test(hostname);
}

async function canOfferInField(): Promise<boolean> {
  if (passkeyObstacle()) return false;
  return (await PublicKeyCredential.isConditionalMediationAvailable?.().catch(() => false)) ?? false;
}

/**
 * Asks for a passkey and signs in with it.
 * @throws AuthProblem, code CANCELED when the person closed the dialog
 */
export async function signInWithPasskey(): Promise<void> {
  await signInWithPasskeyResponse(await request(await passkeySignInOptions()));
}

/**
 * Waits in the field for the e-mail until the person picks one of the passkeys that the browser offers there.
 * @param signal ends the waiting: only one request may be under way
 * @returns what signs in with the one that was picked; undefined when none was, or the browser offers none
 */
export async function offerInField(signal: AbortSignal): Promise<(() => Promise<void>) | undefined> {
  if (!(await canOfferInField()) || signal.aborted) return undefined;
  try {
    const response = await request(await passkeySignInOptions(), signal);
    return () => signInWithPasskeyResponse(response);
  } catch {
    // Nobody asked for it: the button is there for those who do, and it says what is wrong.
    return undefined;
  }
}

/** Makes a passkey for the account that is signed in. */
export async function addPasskey(name: string): Promise<void> {
  const response = await create(await passkeyRegistrationOptions());
  await registerPasskey(response, name);
}

export async function confirmWithPasskey(): Promise<void> {
  await stepUpWithPasskey(await request(await stepUpOptions()));
}

/** @param inField waits in a field, until this ends it, instead of opening a dialog */
async function request(json: CeremonyOptions, inField?: AbortSignal): Promise<unknown> {
  const publicKey = readRequestOptions(json);
  const credential = await ceremony(() =>
    navigator.credentials.get({
      publicKey,
      ...(inField ? { mediation: 'conditional' as const, signal: inField } : {}),
    }),
  );
  return toJson(credential);
}

async function create(json: CeremonyOptions): Promise<unknown> {
  const publicKey = readCreationOptions(json);
  return toJson(await ceremony(() => navigator.credentials.create({ publicKey })));
}

async function ceremony(ask: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
  try {
    const credential = await ask();
    if (credential) return credential as PublicKeyCredential;
  } catch (error) {
    throw describe(error);
  }
  throw new AuthProblem('CANCELED', 'No passkey was chosen.');
}

function describe(error: unknown): AuthProblem {
  const name = error instanceof DOMException ? error.name : '';
  // Browsers give this one name to a closed dialog, a timeout and a device without a passkey, on purpose.
  if (name === 'NotAllowedError')
    return new AuthProblem('CANCELED', 'No passkey was used. Nothing has changed.');
  if (name === 'AbortError') return new AuthProblem('CANCELED', '');
  if (name === 'InvalidStateError')
    return new AuthProblem('EXISTS', 'This device already has a passkey for this account.');
  if (name === 'NotSupportedError')
    return new AuthProblem('PASSKEY', 'This browser found nothing on this device that could hold a passkey.');
  if (name === 'SecurityError')
    return new AuthProblem('ADDRESS', `This browser makes no passkeys for ${location.host}.`);
  return new AuthProblem('PASSKEY', error instanceof Error ? error.message : String(error));
}

/** The browser's own reading where it has one; Safari 18 and older do not. */
function readCreationOptions(json: CeremonyOptions): PublicKeyCredentialCreationOptions {
  if ('parseCreationOptionsFromJSON' in PublicKeyCredential)
    return PublicKeyCredential.parseCreationOptionsFromJSON(
      json as unknown as PublicKeyCredentialCreationOptionsJSON,
    );
  const {
    challenge,
    user,
    excludeCredentials,
    extensions: _,
    ...rest
  } = json as unknown as PublicKeyCredentialCreationOptionsJSON;
  return {
    ...(rest as Omit<PublicKeyCredentialCreationOptions, 'challenge' | 'user'>),
    challenge: bytesOf(challenge),
    user: { ...user, id: bytesOf(user.id) },
    excludeCredentials: (excludeCredentials ?? []).map(readDescriptor),
  };
}

function readRequestOptions(json: CeremonyOptions): PublicKeyCredentialRequestOptions {
  if ('parseRequestOptionsFromJSON' in PublicKeyCredential)
    return PublicKeyCredential.parseRequestOptionsFromJSON(
      json as unknown as PublicKeyCredentialRequestOptionsJSON,
    );
  const {
    challenge,
    allowCredentials,
    extensions: _,
    ...rest
  } = json as unknown as PublicKeyCredentialRequestOptionsJSON;
  return {
    ...(rest as Omit<PublicKeyCredentialRequestOptions, 'challenge'>),
    challenge: bytesOf(challenge),
    allowCredentials: (allowCredentials ?? []).map(readDescriptor),
  };
}

function readDescriptor({
  id,
  transports,
}: PublicKeyCredentialDescriptorJSON): PublicKeyCredentialDescriptor {
  return {
    type: 'public-key',
    id: bytesOf(id),
    ...(transports ? { transports: transports as AuthenticatorTransport[] } : {}),
  };
}

function toJson(credential: PublicKeyCredential): unknown {
  if ('toJSON' in credential) return credential.toJSON();
  const { id, rawId, response, authenticatorAttachment } = credential as PublicKeyCredential;
  const common = {
    id,
    rawId: base64UrlOf(rawId),
    type: 'public-key',
    authenticatorAttachment,
    clientExtensionResults: {},
  };
  const clientDataJSON = base64UrlOf(response.clientDataJSON);
  if (response instanceof AuthenticatorAttestationResponse) {
    const attestationObject = base64UrlOf(response.attestationObject);
    return {
      ...common,
      response: { clientDataJSON, attestationObject, transports: response.getTransports() },
    };
  }
  const { authenticatorData, signature, userHandle } = response as AuthenticatorAssertionResponse;
  return {
    ...common,
    response: {
      clientDataJSON,
      authenticatorData: base64UrlOf(authenticatorData),
      signature: base64UrlOf(signature),
      ...(userHandle ? { userHandle: base64UrlOf(userHandle) } : {}),
    },
  };
}
