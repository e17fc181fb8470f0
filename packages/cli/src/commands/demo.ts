import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Command, InvalidArgumentError } from 'commander'
import { type Connection, isServerUp, readLocalAccess } from '../connection/connection.ts'
import type { Context } from '../context.ts'
import { standInApprover } from '../demo/approver.ts'
import { runGuardedAgent } from '../demo/guarded-agent.ts'
import { runManagedAgent } from '../demo/managed-agent.ts'
import { CliError } from '../errors.ts'
import { style } from '../terminal/style.ts'
import type { Terminal } from '../terminal/terminal.ts'

const bundle = () => readFileSync(new URL('../../demo/lictor-demo.yaml', import.meta.url), 'utf8')

function seconds(text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value) || value < 0 || value > 110) throw new InvalidArgumentError('It takes 0 to 110 seconds.')
  return value
}

/** `lictor demo`: both halves of the product on a running server, with a scripted agent and a scripted model; no account needed. */
export function demoCommand({ terminal, settings, connect }: Context): Command {
  const command = new Command('demo')
    .description('show what Lictor does, on a running server, with no model account')
    .option('--patience <seconds>', 'how long an approval waits for you before the demo approves it', seconds, 20)
  return command.action(async ({ patience }: { patience: number }) => {
    const url =
      settings(command).url ??
      terminal.environment.LICTOR_URL ??
      readLocalAccess(terminal)?.url ??
      'http://localhost:8000'
    if (!(await isServerUp(url))) {
      throw new CliError('server_unreachable', `No Lictor server answers at ${url}.`, {
        hint: 'Start one with `npm start` (or `lictor up`) in another terminal.',
      })
    }
    await createFirstAdministrator(url, terminal)
    const connection = await connect(command)
    const heading = (text: string) => terminal.print(`\n${style('bold', text)}`)

    heading('A bundle of contracts, uploaded, signed and deployed')
    const uploaded = await connection.request<{ name: string; version: number }>('POST', '/api/v1/bundles', {
      yaml_content: bundle(),
    })
    await connection.request('POST', `/api/v1/bundles/${uploaded.name}/${uploaded.version}/deploy`, {
      env: 'production',
    })
    terminal.print(`  ${uploaded.name} version ${uploaded.version} is deployed to production`)

    const stopApprover = standInApprover({ connection, terminal, patience, agents: ['demo-agent', 'demo-clerk'] })
    try {
      heading('An agent of your own, guarded by it')
      await withKey(connection, (apiKey) => runGuardedAgent({ url: connection.url, apiKey, terminal }))
      heading('An agent that Lictor runs, judged by the same contracts')
      await runManagedAgent({ connection, terminal, bundleName: uploaded.name })
    } finally {
      await stopApprover()
    }
    // A login at localhost is none at 127.0.0.1, and `lictor up` shows localhost.
    const shown = connection.url.replace('127.0.0.1', 'localhost')
    terminal.print(`\nEvery call above is an event: ${style('cyan', `${shown}/dashboard/events`)}`)
  })
}

/** On a fresh server there is nobody yet: the demo creates the first administrator and says who that is. */
async function createFirstAdministrator(url: string, terminal: Terminal): Promise<void> {
  const health = (await (await fetch(`${url}/api/v1/health`)).json()) as { bootstrap_complete: boolean }
  if (health.bootstrap_complete) return
  const credentials = { email: 'admin@example.com', password: randomBytes(12).toString('base64url') }
  const answer = await fetch(`${url}/api/v1/setup`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-requested-with': 'lictor-cli' },
    body: JSON.stringify(credentials),
  })
  if (answer.status === 409) return
  if (!answer.ok) throw new CliError('setup', `The first administrator could not be created: ${await answer.text()}`)
  terminal.print(
    `${style('bold', 'First administrator')}  ${credentials.email}  password ${style('bold', credentials.password)}  (shown once)`,
  )
}

/** An API key for as long as the work takes. */
async function withKey(connection: Connection, work: (apiKey: string) => Promise<void>): Promise<void> {
  const { id, key } = await connection.request<{ id: string; key: string }>('POST', '/api/v1/keys', {
    env: 'production',
    label: 'lictor demo',
  })
  try {
    await work(key)
  } finally {
    await connection.request('DELETE', `/api/v1/keys/${id}`)
  }
}
