/** Cells of a row, and which of them stand at the right of their column. */
export interface TableShape {
  readonly head: readonly string[];
  /** By place: numbers. */
  readonly right: ReadonlySet<number>;
}

/** Lines of a table, whose columns are as wide as what is in them. */
export function tableLines(
  { head, right }: TableShape,
  rows: readonly (readonly string[])[],
): readonly string[] {
  const widths = head.map((cell, at) =>
    rows.reduce((most, row) => Math.max(most, row[at]!.length), cell.length)
  );
  return [head, ...rows].map((row) =>
    row.map((cell, at) => right.has(at) ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!))
      .join("  ").trimEnd()
  );
}
