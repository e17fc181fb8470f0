/** Well below what either database takes as parameters of one statement. */
const AT_ONCE = 500

/** What `read` finds for all of `values`, however many there are. */
export async function inBatches<V, R>(
  values: readonly V[],
  read: (batch: readonly V[]) => Promise<readonly R[]>,
): Promise<R[]> {
  const found: R[] = []
  for (let from = 0; from < values.length; from += AT_ONCE)
    found.push(...(await read(values.slice(from, from + AT_ONCE))))
  return found
}
