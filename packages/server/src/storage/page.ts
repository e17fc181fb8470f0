import { sql } from 'kysely'

/** Bytes of long texts that are read at once. One text may be longer, and is then read alone. */
const PAGE_BYTES = 1024 * 1024

/** Rows in order, and whether there are more behind them: a page ends where its bytes do, not only its rows. */
export interface Page<Row> {
  readonly rows: readonly Row[]
  readonly hasMore: boolean
}

/** The size of a text column, for which the text itself is not read. */
export const sizeOf = (column: string) => sql<number>`coalesce(octet_length(${sql.ref(column)}), 0)`.as('bytes')

/** How many rows of these sizes, in their order, make a page: at least one, where there is one. */
export function rowsOfPage(sizes: readonly { readonly bytes: number }[], most = PAGE_BYTES): number {
  let held = 0
  for (const [index, { bytes }] of sizes.entries()) {
    held += Number(bytes)
    if (held > most && index > 0) return index
  }
  return sizes.length
}

/**
 * A page of rows with long texts: first the sizes of the next `limit` rows, which must be in the page's order, then the rows
 * themselves up to the last that fits, `count` of them.
 */
export async function readPage<Size extends { readonly bytes: number }, Row>(
  limit: number,
  sizes: readonly Size[],
  rowsUpTo: (last: Size, count: number) => Promise<readonly Row[]>,
): Promise<Page<Row>> {
  const count = rowsOfPage(sizes)
  const last = sizes[count - 1]
  if (!last) return { rows: [], hasMore: false }
  return { rows: await rowsUpTo(last, count), hasMore: count < sizes.length || sizes.length === limit }
}
