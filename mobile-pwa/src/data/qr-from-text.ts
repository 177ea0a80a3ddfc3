import { encode } from 'uqr';
import { qrFromModules, type QrDrawing } from './qr-drawing.ts';

/** The standard asks for this much empty space around a code, in modules. */
const QUIET_ZONE = 4;

/** Draws a text as a QR code, here: a secret of an authenticator is nobody else's business. */
export function qrFromText(text: string): QrDrawing {
  return qrFromModules(encode(text, { ecc: 'M', border: QUIET_ZONE }).data);
}
