import { errorText, type Logger } from '../logger.ts'
import type { EdictumServerClient } from './client.ts'
import { EdictumServerError } from './errors.ts'

/** Tells the server which contracts this agent runs from now on, so that its fleet view need not wait for a call. */
export type Acknowledge = (bundleName: string, policyVersion: string | null) => void

/** Acknowledging is a courtesy: nobody waits for it, and a server that does not know it is asked once. */
export function createAcknowledge(deps: { client: EdictumServerClient; logger: Logger }): Acknowledge {
  const { client, logger } = deps
  let missing = false
  return (bundleName, policyVersion) => {
    if (missing || policyVersion === null) return
    client
      .post('/api/v1/agents/ack', { bundle_name: bundleName, policy_version: policyVersion })
      .catch((error: unknown) => {
        missing = error instanceof EdictumServerError && [404, 405].includes(error.statusCode)
        if (!missing && !client.closed) logger.debug(`the adopted bundle was not acknowledged: ${errorText(error)}`)
      })
  }
}
