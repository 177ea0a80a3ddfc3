/** One bench's outcome; `rows` is printed as a table, everything goes into `--json`. */
export interface BenchReport {
  name: string;
  /** What was measured and how, one sentence. */
  method: string;
  rows: { [column: string]: string | number }[];
  notes: string[];
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}

/** Nearest rank; NaN for no values. */
export function percentile(values: readonly number[], rank: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil((rank / 100) * sorted.length) - 1)] ?? Number.NaN;
}

/** 12345.6 → "12,346"; small numbers keep two decimals. */
export function figure(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(2);
}

/** Median and worst of ratios in which more is better. */
export function ratioText(ratios: readonly number[]): string {
  return `${median(ratios).toFixed(2)} (worst ${Math.min(...ratios).toFixed(2)})`;
}

export function printReport(report: BenchReport): void {
  console.log(`\n${report.name}: ${report.method}`);
  const columns = [...new Set(report.rows.flatMap((row) => Object.keys(row)))];
  const cell = (value: string | number | undefined) =>
    typeof value === 'number' ? figure(value) : (value ?? '');
  const widths = columns.map((column) =>
    Math.max(column.length, ...report.rows.map((row) => cell(row[column]).length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((text, index) => (index === 0 ? text.padEnd(widths[index]!) : text.padStart(widths[index]!)))
      .join('  ');
  console.log(line(columns));
  console.log(line(widths.map((width) => '─'.repeat(width))));
  for (const row of report.rows) console.log(line(columns.map((column) => cell(row[column]))));
  for (const note of report.notes) console.log(`  ${note}`);
}
