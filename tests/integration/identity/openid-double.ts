import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface OpenIdUser {
  sub: string;
  email: string;
  email_verified: boolean;
  name: string;
}

/**
 * An OpenID provider over a real socket: discovery, an authorization endpoint that lets in whoever `user` is, a token
 * endpoint that checks client, code, redirect and PKCE, and its keys.
 */
export async function startOpenIdDouble(client: { clientId: string; clientSecret: string }) {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const kid = 'double-1';
  const codes = new Map<
    string,
    { nonce: string | null; challenge: string | null; redirect: string; user: OpenIdUser }
  >();
  let user: OpenIdUser = { sub: '0', email: 'nobody@hive.example', email_verified: true, name: 'Nobody' };
  let forgesSignature = false;
  let issuer = '';

  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  function idToken(claims: object): string {
    const text = `${part({ alg: 'RS256', kid, typ: 'JWT' })}.${part(claims)}`;
    const key = forgesSignature
      ? generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey
      : privateKey;
    return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
  }

  async function exchange(request: IncomingMessage): Promise<{ status: number; body: object }> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    const basic = Buffer.from(request.headers.authorization?.split(' ')[1] ?? '', 'base64').toString();
    const [id, secret] = basic ? basic.split(':') : [form.get('client_id'), form.get('client_secret')];
    const found = codes.get(form.get('code') ?? '');
    codes.delete(form.get('code') ?? '');
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    const isGood =
      id === client.clientId &&
      secret === client.clientSecret &&
      found?.redirect === form.get('redirect_uri') &&
      found?.challenge === challenge;
    if (!isGood || !found) return { status: 400, body: { error: 'invalid_grant' } };
    const now = Math.floor(Date.now() / 1_000);
    const claims = { iss: issuer, aud: client.clientId, iat: now, exp: now + 300, nonce: found.nonce };
    return {
      status: 200,
      body: {
        access_token: `access-${randomBytes(8).toString('hex')}`,
        refresh_token: `refresh-${randomBytes(8).toString('hex')}`,
        token_type: 'Bearer',
        expires_in: 300,
        id_token: idToken({ ...claims, ...found.user }),
      },
    };
  }

  const server = createServer((request, response) => {
    const url = new URL(request.url!, issuer);
    const json = (body: object, status = 200) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (url.pathname === '/.well-known/openid-configuration')
      return json({
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        id_token_signing_alg_values_supported: ['RS256'],
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
      });
    if (url.pathname === '/jwks')
      return json({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' }] });
    if (url.pathname === '/authorize') {
      const query = url.searchParams;
      const redirect = new URL(query.get('redirect_uri')!);
      if (query.get('client_id') !== client.clientId || query.get('code_challenge_method') !== 'S256')
        return json({ error: 'invalid_request' }, 400);
      const code = randomBytes(16).toString('hex');
      codes.set(code, {
        nonce: query.get('nonce'),
        challenge: query.get('code_challenge'),
        redirect: redirect.href,
        user,
      });
      redirect.searchParams.set('code', code);
      redirect.searchParams.set('state', query.get('state')!);
      response.writeHead(302, { location: redirect.href }).end();
      return undefined;
    }
    if (url.pathname === '/token')
      return void exchange(request).then(({ status, body }) => json(body, status));
    return json({ error: 'not_found' }, 404);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    issuer,
    /** Who is at the provider's page from now on. */
    be(next: OpenIdUser) {
      user = next;
    },
    forgeSignatures(on: boolean) {
      forgesSignature = on;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
