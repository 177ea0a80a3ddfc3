/**
 * Runs every contender once a pass, in the order A B C, C B A, A B C …, so that a machine that slows down or speeds up
 * meanwhile favours nobody (with two contenders: A B B A).
 */
export async function alternate<Contender>(
  contenders: readonly Contender[],
  passes: number,
  run: (contender: Contender, pass: number) => Promise<void>,
): Promise<void> {
  for (let pass = 0; pass < passes; pass += 1) {
    const order = pass % 2 === 0 ? contenders : [...contenders].reverse();
    for (const contender of order) await run(contender, pass);
  }
}
