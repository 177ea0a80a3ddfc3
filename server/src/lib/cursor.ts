import { ValidationError } from './errors.ts';

/** A position in the event log: rows are ordered by transaction id, then by sequence. */
export interface LogPosition {
  xid: bigint;
  seq: bigint;
}

export const logStart: LogPosition = { xid: 0n, seq: 0n };

const maxXid = 2n ** 64n - 1n;
const maxSeq = 2n ** 63n - 1n;
const plain = /^e1\.(\d{1,20})\.(\d{1,19})$/;

/** Opaque text of a position; clients pass it back unread. */
export function encodeCursor(position: LogPosition): string {
  return Buffer.from(`e1.${position.xid}.${position.seq}`).toString('base64url');
}

/** @throws ValidationError naming `field` when the text is not a cursor made by `encodeCursor` */
export function decodeCursor(cursor: string, field = 'after'): LogPosition {
  const match = cursor.length <= 100 ? plain.exec(Buffer.from(cursor, 'base64url').toString('latin1')) : null;
  if (match) {
    const position = { xid: BigInt(match[1]!), seq: BigInt(match[2]!) };
    // Re-encoding refuses the many texts that base64url decodes alike.
    if (position.xid <= maxXid && position.seq <= maxSeq && encodeCursor(position) === cursor)
      return position;
  }
  throw new ValidationError([
    {
      path: field,
      message: 'is not a cursor of this event log; leave it out to start anew',
      value: cursor.slice(0, 200),
    },
  ]);
}

/** Negative, zero or positive, like a sort callback. */
export function comparePositions(left: LogPosition, right: LogPosition): number {
  if (left.xid !== right.xid) return left.xid < right.xid ? -1 : 1;
  if (left.seq !== right.seq) return left.seq < right.seq ? -1 : 1;
  return 0;
}
