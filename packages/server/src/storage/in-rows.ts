/** Rows of one statement: each number of rows is a statement of its own, and these few make up every number. */
const ROWS_AT_ONCE: readonly number[] = [64, 16, 4, 2, 1]

/** Insert all `rows`, many at once, by statements that are prepared for few numbers of them. */
export async function inRows<Row>(
  rows: readonly Row[],
  insert: (some: readonly Row[]) => Promise<unknown>,
): Promise<void> {
  let first = 0
  for (const count of ROWS_AT_ONCE)
    for (; rows.length - first >= count; first += count) await insert(rows.slice(first, first + count))
}
