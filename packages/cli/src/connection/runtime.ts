import { AegisClient, AegisError } from '@lictor/aegis'
import { CliError } from '../errors.ts'
import type { Connection } from './connection.ts'

/** The runtime API over a signed-in connection, whose credentials replace the client's own. */
export const runtimeClient = (connection: Connection): AegisClient =>
  new AegisClient({ baseUrl: connection.url, bearerToken: 'of-the-connection', fetch: connection.fetch })

/** The id of an agent named by id or by name. @throws CliError when there is none. */
export async function findAgent(client: AegisClient, named: string): Promise<string> {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(named)) return named
  try {
    return (await client.lookupAgent(named)).agent_id
  } catch (error) {
    if (error instanceof AegisError && (error as { status?: number }).status === 404) {
      throw new CliError('unknown_agent', `There is no agent '${named}'.`, {
        hint: 'Deploy it with `lictor agent deploy FILE`, or see `lictor agent list`.',
      })
    }
    throw error
  }
}
