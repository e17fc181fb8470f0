import { Command } from 'commander'
import { findAgent, runtimeClient } from '../connection/runtime.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { present, table } from '../terminal/terminal.ts'

type Client = ReturnType<typeof runtimeClient>

/** `lictor credential …`: keys and tokens that agents act with at other systems, and which agents may. */
export function credentialCommand({ terminal, settings, connect }: Context): Command {
  const credential = new Command('credential').description('keep keys and tokens for agents, and grant them')

  const list = credential.command('ls', { isDefault: true }).alias('list').description('list credentials')
  list.action(async () => {
    const { credentials } = await runtimeClient(await connect(list)).listCredentials()
    present(terminal, settings(list).output, credentials, () =>
      credentials.length === 0
        ? 'No credentials yet. Store one: printf %s "$KEY" | lictor credential store github --provider github'
        : table(
            ['NAME', 'PROVIDER', 'STATUS', 'GRANTS', 'LAST USED', 'ID'],
            credentials.map((one) => [
              one.name ?? '',
              one.provider,
              one.status ?? '',
              String(one.grants?.length ?? 0),
              one.last_used ?? 'never',
              one.id,
            ]),
          ),
    )
  })

  const store = credential
    .command('store')
    .description('store an API key; it comes from standard input')
    .argument('<name>', 'manifests refer to it as credential:NAME')
    .requiredOption('--provider <name>', 'openai, anthropic, github, google or any other')
  store.action(async (name: string, options: { provider: string }) => {
    const client = runtimeClient(await connect(store))
    const stored = await client.storeApiKey({
      name,
      provider: options.provider,
      api_key: await readValue(`store ${name}`),
    })
    present(terminal, settings(store).output, stored, () => `Stored ${name} (${stored.id}).`)
  })

  const rotate = credential
    .command('rotate')
    .description('give it a new value from standard input; one from signing in is renewed by its provider')
    .argument('<credential>', 'name or id')
  rotate.action(async (named: string) => {
    const client = runtimeClient(await connect(rotate))
    const found = await find(client, named)
    const payload = found.credential_type === 'oauth2' ? {} : { new_value: await readValue(`rotate ${named}`) }
    const rotated = await client.rotateCredential(found.id, payload)
    present(terminal, settings(rotate).output, rotated, () => `Rotated ${found.name}.`)
  })

  const revoke = credential
    .command('revoke')
    .description('revoke it: its value and grants are gone, and no agent is handed it any more')
    .argument('<credential>', 'name or id')
  revoke.action(async (named: string) => {
    const client = runtimeClient(await connect(revoke))
    const found = await find(client, named)
    const answer = await client.revokeCredential(found.id)
    present(terminal, settings(revoke).output, answer, () => `Revoked ${found.name}.`)
  })

  const grant = credential
    .command('grant')
    .description('let an agent use it, or all of them')
    .argument('<credential>', 'name or id')
    .argument('[agent]', 'name or id')
    .option('--all-agents', 'all agents of the tenant')
  grant.action(async (named: string, agent: string | undefined, options: { allAgents?: true }) => {
    if ((agent === undefined) === (options.allAgents === undefined))
      throw new CliError('usage', 'Name an agent, or say --all-agents.', { exitCode: 2 })
    const client = runtimeClient(await connect(grant))
    const found = await find(client, named)
    const granted = await client.addGrant(
      found.id,
      agent === undefined ? {} : { agent_id: await findAgent(client, agent) },
    )
    present(terminal, settings(grant).output, granted, () => `Granted ${found.name} to ${agent ?? 'all agents'}.`)
  })

  const grants = credential.command('grants').description('list who may use it').argument('<credential>', 'name or id')
  grants.action(async (named: string) => {
    const client = runtimeClient(await connect(grants))
    const { grants: found } = await client.listGrants((await find(client, named)).id)
    present(terminal, settings(grants).output, found, () =>
      table(
        ['TO', 'FOR', 'SINCE', 'ID'],
        found.map((one) => [
          one.agent_id ?? one.workflow_name ?? 'all agents',
          one.permission_type,
          one.created_at,
          one.id,
        ]),
      ),
    )
  })

  const ungrant = credential
    .command('ungrant')
    .description('take a grant back')
    .argument('<credential>', 'name or id')
    .argument('<grant>', 'its id')
  ungrant.action(async (named: string, id: string) => {
    const client = runtimeClient(await connect(ungrant))
    const answer = await client.revokeGrant((await find(client, named)).id, id)
    present(terminal, settings(ungrant).output, answer, () => 'Taken back.')
  })

  const login = credential
    .command('login')
    .description('sign in at a provider, with a code that is typed in on any device')
    .argument('<provider>')
    .option('--name <name>', 'what the credential is called; the provider where absent')
    .option('--again <credential>', 'sign in again for this one')
  login.action(async (provider: string, options: { name?: string; again?: string }) => {
    const client = runtimeClient(await connect(login))
    const again = options.again === undefined ? {} : { credential_id: (await find(client, options.again)).id }
    const begun = await client.deviceInitiate({ provider, ...(options.name ? { name: options.name } : {}), ...again })
    terminal.note(`Open ${begun.verification_uri} and type ${begun.user_code}.`)
    let interval = begun.interval
    for (;;) {
      const stopped = await Promise.race([
        terminal.pause(interval * 1000).then(() => false),
        terminal.interrupted.then(() => true),
      ])
      if (stopped) throw new CliError('interrupted', 'The sign-in was given up.')
      const polled = await client.devicePoll({ device_code: begun.device_code, provider })
      interval = polled.interval ?? interval
      if (polled.status === 'pending') continue
      if (polled.status !== 'approved') throw new CliError('not_signed_in', `The sign-in was ${polled.status}.`)
      present(terminal, settings(login).output, polled, () => `Signed in: ${polled.credential_id}.`)
      return
    }
  })
  return credential

  async function readValue(command: string): Promise<string> {
    const value = (await terminal.readInput()).replace(/\r?\n$/, '')
    if (value !== '') return value
    throw new CliError('empty_value', 'Standard input is empty: nothing was stored.', {
      hint: `printf %s "$KEY" | lictor credential ${command}`,
    })
  }
}

/** @throws CliError where there is none, or several of that name */
async function find(client: Client, named: string) {
  const { credentials } = await client.listCredentials()
  const byId = credentials.filter(({ id }) => id === named)
  const found = byId.length > 0 ? byId : credentials.filter(({ name }) => name === named)
  const [only] = found
  if (only === undefined || found.length > 1)
    throw new CliError(
      'unknown_credential',
      only === undefined ? `There is no credential '${named}'.` : `${found.length} credentials are called '${named}'.`,
      { hint: 'See `lictor credential ls`, and name its id.' },
    )
  return only
}
