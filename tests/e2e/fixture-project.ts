import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A small project with a layout worth explaining: documents, code, and events that come from somewhere. */
const files: Record<string, string> = {
  'README.md': `# Weather station

The weather station measures temperature and wind on the roof and shows them on a small page.

## Layout

The folder \`src\` holds the code, one file a concern. The folder \`docs\` holds what an operator must know.

## Events

Every event comes from a sensor. The sensor loop writes an event to the log before anybody sees it.
`,
  'docs/operating.md': `# Operating the station

The station reads its sensors once a second. An event that cannot be written is written again after five seconds.

Old events are dropped after thirty days. Is thirty days enough for the yearly report?
`,
  'src/sensor-loop.ts': `import { appendEvent } from './event-log.ts';

/** Reads every sensor once a second and appends what it measured as an event. */
export function runSensorLoop(sensors: Sensor[]): void {
  for (const sensor of sensors) appendEvent({ type: 'measured', value: sensor.read() });
}

export interface Sensor {
  /** Degrees or metres a second. */
  read(): number;
}
`,
  'src/event-log.ts': `/** One thing that happened on the roof. */
export interface StationEvent {
  type: 'measured' | 'failed';
  value: number;
}

const events: StationEvent[] = [];

/** Events come from the sensor loop and nowhere else. */
export function appendEvent(event: StationEvent): void {
  events.push(event);
}
`,
  'src/page.ts': `import type { StationEvent } from './event-log.ts';

/** Renders the newest event as a line of text. */
export function renderEvent(event: StationEvent): string {
  return \`\${event.type}: \${event.value}\`;
}
`,
};

export interface FixtureProject {
  folder: string;
  /** Where the server keeps its own files. */
  dataDir: string;
  remove(): void;
}

export function createFixtureProject(): FixtureProject {
  const folder = mkdtempSync(join(tmpdir(), 'hive-e2e-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return {
    folder,
    dataDir: join(folder, '.hive'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
