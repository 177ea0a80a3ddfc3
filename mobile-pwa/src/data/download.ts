import { asProblem, problemOf } from './auth-problem.ts';
import { NEEDS_CONNECTION, type Outcome } from './direct.ts';
import { hive } from './hive.ts';
import { session } from './session.ts';
import { withStepUp } from './step-up.ts';

const TIMEOUT_MS = 120_000;

/**
 * Fetches a file and hands it to the browser to keep, after a confirmation when the hive asks for one. Never throws.
 * @param path below the origin of the page
 * @param name used when the hive gives none
 * @returns the name it was kept under
 */
export async function download(path: string, name: string): Promise<Outcome<string>> {
  if (hive.connection.status === 'offline')
    return { ok: false, code: 'OFFLINE', reason: null, message: NEEDS_CONNECTION };
  try {
    const file = await withStepUp(() => fetchFile(path));
    const kept = file.name ?? name;
    keep(file.blob, kept);
    return { ok: true, value: kept };
  } catch (error) {
    const { code, message } = asProblem(error);
    return { ok: false, code, reason: code === 'STEP_UP' ? code : null, message };
  }
}

async function fetchFile(path: string): Promise<{ blob: Blob; name: string | undefined }> {
  const response = await fetch(path, {
    headers: session.headers,
    cache: 'no-store',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok) {
    const body: unknown = await response.json().catch(() => undefined);
    throw problemOf(response.status, body, response.headers.get('retry-after'));
  }
  return { blob: await response.blob(), name: fileName(response.headers.get('content-disposition')) };
}

function fileName(disposition: string | null): string | undefined {
  return /filename="?([^";]+)"?/.exec(disposition ?? '')?.[1];
}

function keep(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The browser has taken it by the next task; until then the address must stay.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
