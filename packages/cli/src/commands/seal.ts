import { Command } from 'commander'
import { type CallOptions, callTool, objectIn } from '../connection/call-tool.ts'
import { readTextFile } from '../connection/files.ts'
import { runtimeClient } from '../connection/runtime.ts'
import type { Context } from '../context.ts'
import { present, table } from '../terminal/terminal.ts'

/** `lictor seal …`: tool calls by signed envelopes, and who may make them. */
export function sealCommand(context: Context): Command {
  return new Command('seal')
    .description('call tools by signed envelopes, and say who may')
    .addCommand(callCommand(context))
    .addCommand(toolsCommand(context))
    .addCommand(contextsCommand(context))
    .addCommand(workloadsCommand(context))
    .addCommand(sessionsCommand(context))
    .addCommand(attestCommand(context))
    .addCommand(keysCommand(context))
}

function callCommand({ terminal, settings, connect }: Context): Command {
  const command = new Command('call')
    .description('attest a new key, call one tool with it, and forget the key')
    .argument('<tool>', 'for example fs.list')
    .argument('[arguments]', 'a JSON object; - reads it from standard input', '{}')
    .option('--context <name>', 'the security context', 'default')
    .option('--gateway <url>', 'the address of a workload, instead of one that is made for this call alone')
    .option('--workload <id>', 'the workload of that address')
  command.action(async (tool: string, given: string, options: CallOptions) => {
    const args = objectIn(given === '-' ? await terminal.readInput() : given)
    const result = await callTool(() => connect(command), tool, args, options)
    present(terminal, settings(command).output, result, () => JSON.stringify(result, null, 2))
  })
  return command
}

function toolsCommand({ terminal, settings, connect }: Context): Command {
  const command = new Command('tools')
    .description('list the tools, or those that a security context could allow')
    .option('--context <name>', 'the security context')
  command.action(async (options: { context?: string }) => {
    const { tools } = await runtimeClient(await connect(command)).listSealTools(options.context)
    present(terminal, settings(command).output, tools, () =>
      table(
        ['TOOL', 'DOES'],
        tools.map(({ name, description }) => [name, description ?? '']),
      ),
    )
  })
  return command
}

function contextsCommand({ terminal, settings, connect }: Context): Command {
  const contexts = new Command('contexts').description('security contexts: which tools, within what bounds')
  const list = contexts.command('ls', { isDefault: true }).alias('list').description('list them')
  list.action(async () => {
    const found = await runtimeClient(await connect(list)).listSecurityContexts()
    present(terminal, settings(list).output, found, () =>
      table(
        ['NAME', 'TOOLS', 'VERSION'],
        found.map((one) => [
          one.name,
          one.capabilities
            .map(({ tool_pattern }) => tool_pattern)
            .join(' ')
            .slice(0, 60),
          one.is_built_in ? 'built in' : String(one.metadata?.version ?? ''),
        ]),
      ),
    )
  })
  const get = contexts.command('get').description('print one').argument('<name>')
  get.action(async (name: string) => {
    const found = await runtimeClient(await connect(get)).getSecurityContext(name)
    present(terminal, settings(get).output, found, () => JSON.stringify(found, null, 2))
  })
  const save = contexts
    .command('save')
    .description('make one, or change it; what runs already keeps what it began with')
    .argument('<file>', 'JSON; - reads it from standard input')
  save.action(async (file: string) => {
    const text = file === '-' ? await terminal.readInput() : readTextFile(terminal, file)
    const saved = await runtimeClient(await connect(save)).saveSecurityContext(objectIn(text) as never)
    present(terminal, settings(save).output, saved, () => `Saved ${saved.name}, version ${saved.version}.`)
  })
  const remove = contexts.command('rm').description('remove one').argument('<name>')
  remove.action(async (name: string) => {
    const answer = await runtimeClient(await connect(remove)).deleteSecurityContext(name)
    present(terminal, settings(remove).output, answer, () => `Removed ${name}.`)
  })
  return contexts
}

function workloadsCommand({ terminal, settings, connect }: Context): Command {
  const workloads = new Command('workloads').description('programs that may attest by an address of their own')
  const list = workloads.command('ls', { isDefault: true }).alias('list').description('list them')
  list.action(async () => {
    const found = await runtimeClient(await connect(list)).listSealWorkloads()
    present(terminal, settings(list).output, found, () =>
      found.length === 0
        ? 'No workloads yet. Register one: lictor seal workloads add NAME --context default'
        : table(
            ['WORKLOAD', 'CONTEXTS', 'UNTIL'],
            found.map((one) => [one.workload_id, one.allowed_contexts.join(' '), one.expires_at ?? 'revoked']),
          ),
    )
  })
  const add = workloads
    .command('add')
    .description('register one and print its address, this once')
    .argument('<workload>')
    .requiredOption('--context <name...>', 'the security contexts that it may attest under')
    .option('--agent <id>', 'a deployed agent, whose contracts its calls are judged by')
    .option('--expires-at <instant>', 'when its address ends')
  add.action(async (workload_id: string, options: { context: string[]; agent?: string; expiresAt?: string }) => {
    const made = await runtimeClient(await connect(add)).registerSealWorkload({
      workload_id,
      allowed_contexts: options.context,
      ...(options.agent === undefined ? {} : { agent_id: options.agent }),
      ...(options.expiresAt === undefined ? {} : { expires_at: options.expiresAt }),
    })
    present(terminal, settings(add).output, made, () => made.gateway_url)
  })
  const remove = workloads
    .command('rm')
    .description('take its address back, and revoke its sessions')
    .argument('<workload>')
  remove.action(async (workloadId: string) => {
    const answer = await runtimeClient(await connect(remove)).revokeSealWorkload(workloadId)
    present(terminal, settings(remove).output, answer, () => `Revoked ${workloadId}.`)
  })
  return workloads
}

function sessionsCommand({ terminal, settings, connect }: Context): Command {
  const sessions = new Command('sessions').description('sessions that calls can be made under')
  const list = sessions.command('ls', { isDefault: true }).alias('list').description('list the active ones')
  list.action(async () => {
    const found = await runtimeClient(await connect(list)).listSealSessions()
    present(terminal, settings(list).output, found, () =>
      found.length === 0
        ? 'No sessions are active.'
        : table(
            ['EXECUTION', 'WORKLOAD', 'CONTEXT', 'UNTIL'],
            found.map((one) => [one.execution_id, one.workload_id ?? '', one.security_context, one.expires_at]),
          ),
    )
  })
  const revoke = sessions.command('revoke').description('end those of an execution, at once').argument('<execution>')
  revoke.action(async (executionId: string) => {
    const answer = await runtimeClient(await connect(revoke)).revokeSealSession(executionId)
    present(terminal, settings(revoke).output, answer, () => `Revoked the sessions of ${executionId}.`)
  })
  return sessions
}

function attestCommand({ terminal, settings, connect }: Context): Command {
  const command = new Command('attest')
    .description('attest a public key and print its security token; needs LICTOR_TOKEN')
    .argument('<key>', 'Ed25519: base64, base64url or hex of 32 bytes')
    .option('--context <name>', 'the security context', 'default')
    .option('--workload <id>', 'what the audit log calls the holder')
  command.action(async (public_key: string, options: { context: string; workload?: string }) => {
    const answer = await runtimeClient(await connect(command)).attestSeal({
      public_key,
      security_context: options.context,
      workload_id: options.workload ?? null,
    })
    present(terminal, settings(command).output, answer, () => answer.security_token)
  })
  return command
}

function keysCommand({ terminal, settings, connect }: Context): Command {
  const command = new Command('keys').description('print the keys that security tokens are verified with (JWKS)')
  command.action(async () => {
    const keys = await (await connect(command)).request<object>('GET', '/v1/seal/keys')
    present(terminal, settings(command).output, keys, () => JSON.stringify(keys, null, 2))
  })
  const rotate = new Command('rotate')
    .description('sign with a new key from now on; those before it verify for another day')
    .option('--algorithm <name>', 'RS256 or EdDSA; that of the key before, where it is left out')
  rotate.action(async (options: { algorithm?: string }) => {
    const made = await (await connect(rotate)).request<{ kid: string; algorithm: string }>(
      'POST',
      '/v1/seal/keys/rotate',
      options.algorithm === undefined ? {} : { algorithm: options.algorithm },
    )
    present(terminal, settings(rotate).output, made, () => `Signing with ${made.kid} (${made.algorithm}).`)
  })
  const retire = new Command('retire')
    .description('let a former key verify no more, and with it every token that it signed')
    .argument('<kid>', 'as `lictor seal keys` prints it')
  retire.action(async (kid: string) => {
    const answer = await (await connect(retire)).request<object>('DELETE', `/v1/seal/keys/${encodeURIComponent(kid)}`)
    present(terminal, settings(retire).output, answer, () => `${kid} verifies no more.`)
  })
  return command.addCommand(rotate).addCommand(retire)
}
