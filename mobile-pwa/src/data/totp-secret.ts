/** The secret of an `otpauth:` address, in groups of four, for typing it where no camera is. */
export function secretOf(uri: string): string {
  const secret = new URLSearchParams(uri.split('?')[1] ?? '').get('secret') ?? '';
  return secret.replace(/(.{4})(?=.)/g, '$1 ');
}
