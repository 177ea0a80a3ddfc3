export interface NoticeParts {
  heading: string;
  /** What the server says beyond that; empty when it says nothing more. */
  detail: string;
}

const NOT_CONNECTED = 'Extractive, no language model connected';

/**
 * Splits the server's notice ("extractive, no language model connected. To connect one: …" or "extractive: no language
 * model answered in time") into a heading and the rest.
 */
export function splitNotice(notice: string): NoticeParts {
  const reason = /^extractive[:,]\s*(.+?)(?:\.\s+|\.?$)/is.exec(notice);
  if (!reason) return { heading: NOT_CONNECTED, detail: notice };
  return { heading: `Extractive, ${reason[1]}`, detail: notice.slice(reason[0].length) };
}
