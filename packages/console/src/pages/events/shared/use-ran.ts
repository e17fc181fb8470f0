import { useQuery } from '@tanstack/react-query'
import { payloadText } from '../../../api/payload.ts'
import type { AuditEvent, BundleVersion } from '../../../api/types.ts'
import { agentQueries } from '../../agents/queries.ts'
import { bundleQueries } from '../../contracts/queries.ts'

/** By which version of which bundle a call was judged, as far as this server knows. */
export interface Ran {
  readonly bundle: string | null
  readonly version: BundleVersion | null
  /** The agent said that it ran this revision; else it is what is deployed now. */
  readonly isSaid: boolean
  /** Why there is no version; null while it is looked for, and when there is one. */
  readonly why: string | null
  readonly error: Error | null
}

/** What the agent of an event ran: the revision that the event names, else what is deployed to its environment. */
export function useRan(event: AuditEvent | null): Ran {
  const registrations = useQuery({ ...agentQueries.registered(), enabled: event !== null })
  const agent = registrations.data?.find(({ agent_id }) => agent_id === event?.agent_id)
  const bundle = event && (payloadText(event, 'bundle_name') ?? agent?.running_bundle ?? agent?.resolved_bundle ?? null)
  const versions = useQuery({ ...bundleQueries.versions(bundle ?? ''), enabled: bundle !== null })
  const env = (event && payloadText(event, 'environment')) ?? agent?.env ?? ''
  const ran = event && payloadText(event, 'policy_version')
  const said = versions.data?.find(({ revision_hash }) => revision_hash === ran)
  const version = said ?? versions.data?.find(({ deployed_envs }) => deployed_envs.includes(env)) ?? null
  const why =
    registrations.isSuccess && bundle === null
      ? 'Which bundle the agent ran is not known to this server.'
      : versions.isSuccess && !version
        ? 'The version that it ran is not on this server.'
        : null
  return { bundle, version, isSaid: said !== undefined, why, error: registrations.error ?? versions.error }
}
