import { readFileSync } from 'node:fs'
import { watchExecution } from '../commands/watch-execution.ts'
import type { Connection } from '../connection/connection.ts'
import { runtimeClient } from '../connection/runtime.ts'
import { CliError } from '../errors.ts'
import type { Terminal } from '../terminal/terminal.ts'

/** Deploy the demo's agent, put it under the bundle, run it, and show what happens. */
export async function runManagedAgent(options: {
  connection: Connection
  terminal: Terminal
  bundleName: string
}): Promise<void> {
  const { connection, terminal, bundleName } = options
  const client = runtimeClient(connection)
  const manifest = readFileSync(new URL('../../demo/agent.yaml', import.meta.url), 'utf8')
  const { agent_id, name } = await client.deployAgent(manifest, { force: true })
  await connection.request('PATCH', `/api/v1/agent-registrations/${name}`, { bundle_name: bundleName })
  const { execution_id } = await client.startExecution(agent_id, 'Look around and write a report.')
  const outcome = await watchExecution(client, execution_id, terminal, 'table')
  if (outcome !== 'execution_completed')
    throw new CliError('demo', 'The demo agent did not complete. Its events above say why.')
}
