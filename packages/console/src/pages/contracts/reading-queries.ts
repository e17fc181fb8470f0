import { type QueryClient, queryOptions } from '@tanstack/react-query'
import { bundleQueries } from './queries.ts'
import type { Difference, Readable } from './reading.ts'

/** What the browser itself works out of the texts of versions; the language comes in its own chunk. */
export const readingQueries = {
  /** What two versions decide otherwise, contract by contract, worked out in the browser. */
  difference: (client: QueryClient, name: string, from: number, to: number) =>
    queryOptions({
      queryKey: ['difference', name, from, to],
      queryFn: async (): Promise<Difference> => {
        const [before, after, { differenceOf }] = await Promise.all([
          client.ensureQueryData(bundleQueries.yaml(name, from)),
          client.ensureQueryData(bundleQueries.yaml(name, to)),
          import('./reading.ts'),
        ])
        return differenceOf(before, after)
      },
      staleTime: Number.POSITIVE_INFINITY,
    }),
  /** Which SDKs read a version. */
  readable: (client: QueryClient, name: string, version: number) =>
    queryOptions({
      queryKey: ['readable', name, version],
      queryFn: async (): Promise<Readable> => {
        const [yaml, { readableBy }] = await Promise.all([
          client.ensureQueryData(bundleQueries.yaml(name, version)),
          import('./reading.ts'),
        ])
        return readableBy(yaml)
      },
      staleTime: Number.POSITIVE_INFINITY,
    }),
}
