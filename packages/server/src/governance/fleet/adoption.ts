import { InvalidInput } from '../../errors.ts'
import type { KeyCaller } from '../../identity/caller.ts'
import type { Clock } from '../../ports/clock.ts'
import { microsOf } from '../../storage/instants.ts'
import type { Sightings } from './sightings.ts'

/** An agent says that it runs this version now; resolves once the fleet knows. @throws InvalidInput when it does not say who it is. */
export type Adopted = (
  caller: KeyCaller,
  adopted: { readonly bundleName: string; readonly policyVersion: string },
) => Promise<void>

export function createAdopted({ sightings, clock }: { sightings: Sightings; clock: Clock }): Adopted {
  return async ({ tenantId, env, agentId }, { bundleName, policyVersion }) => {
    if (agentId === null) throw new InvalidInput([{ loc: ['header', 'X-Edictum-Agent-Id'], msg: 'Field required' }])
    const sighting = { tenantId, agentId, env, policyVersion, at: microsOf(clock.now()) }
    sightings.sighted(sighting)
    sightings.connected({ ...sighting, bundleName })
    await sightings.write()
  }
}
