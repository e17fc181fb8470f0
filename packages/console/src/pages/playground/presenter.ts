import { useQuery } from '@tanstack/react-query'
import type { BundleVersion } from '../../api/types.ts'
import { bundleQueries } from '../contracts/queries.ts'
import { CALL_FIELDS, type CallText, NO_CALL } from '../contracts/shared/call.ts'
import { eventQueries } from '../events/queries.ts'
import { useRan } from '../events/shared/use-ran.ts'
import { callOf } from './recorded.ts'
import type { PlaygroundSearch } from './route.ts'

/** Which text is tried: a version of a bundle, or one that is written here. */
export type Source =
  | { readonly kind: 'typed' }
  | {
      readonly kind: 'version'
      readonly bundle: string
      /** Undefined until it is known which one. */
      readonly version: BundleVersion | undefined
      /** Newest first. */
      readonly versions: readonly BundleVersion[]
      /** Undefined while it is read. */
      readonly yaml: string | undefined
      /** The address names a version that there is not. */
      readonly isAstray: boolean
    }

export interface Playground {
  readonly bundles: readonly string[]
  readonly source: Source
  readonly call: CallText
  /** The call is still being read. */
  readonly isPending: boolean
  readonly error: Error | null
  /** What one has to know of the recorded call. */
  readonly note: string | null
  readonly retry: () => void
}

/** All that the page shows, by its address. */
export function usePlayground(search: PlaygroundSearch): Playground {
  const bundles = useQuery(bundleQueries.all())
  const event = useQuery({ ...eventQueries.one(search.event ?? ''), enabled: search.event !== undefined })
  const ran = useRan(search.bundle === undefined && event.data ? event.data : null)
  const bundle = search.bundle ?? ran.bundle ?? undefined
  const versions = useQuery({ ...bundleQueries.versions(bundle ?? ''), enabled: bundle !== undefined })
  const list = versions.data ?? []
  const wanted = search.version ?? (search.bundle === undefined ? ran.version?.version : undefined)
  const version = wanted === undefined ? list[0] : list.find((one) => one.version === wanted)
  const yaml = useQuery({
    ...bundleQueries.yaml(bundle ?? '', version?.version ?? 0),
    enabled: bundle !== undefined && version !== undefined,
  })
  const recorded = event.data ? callOf(event.data) : NO_CALL
  const call = Object.fromEntries(CALL_FIELDS.map((field) => [field, search[field] ?? recorded[field]]))
  const failed = [bundles, event, versions, yaml].find(({ isError }) => isError)
  return {
    bundles: bundles.data?.map(({ name }) => name) ?? [],
    source:
      bundle === undefined
        ? { kind: 'typed' }
        : {
            kind: 'version',
            bundle,
            version,
            versions: list,
            yaml: yaml.data,
            isAstray: versions.isSuccess && version === undefined,
          },
    call: call as unknown as CallText,
    isPending: search.event !== undefined && event.isPending,
    error: failed?.error ?? null,
    note: search.event === undefined || search.bundle !== undefined ? null : ran.why,
    retry: () => void failed?.refetch(),
  }
}
