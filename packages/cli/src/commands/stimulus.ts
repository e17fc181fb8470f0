import { randomBytes } from 'node:crypto'
import { Command, InvalidArgumentError, Option } from 'commander'
import { runtimeClient } from '../connection/runtime.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { present, table } from '../terminal/terminal.ts'
import { inputOf } from './run.ts'

interface SourceOptions {
  readonly workflow?: string
  readonly router?: string
  readonly signature?: 'aegis' | 'stripe'
  readonly secret?: true
  readonly generate?: true
}

/** `lictor stimulus …`: what comes from outside and begins workflows. */
export function stimulusCommand({ terminal, settings, connect }: Context): Command {
  const stimulus = new Command('stimulus').description('what comes from outside and begins workflows')

  const list = stimulus
    .command('list', { isDefault: true })
    .alias('ls')
    .description('what came, newest first')
    .option('--limit <count>', 'at most so many', wholeNumber, 50)
  list.action(async ({ limit }: { limit: number }) => {
    const { stimuli } = await runtimeClient(await connect(list)).listStimuli({ limit })
    present(terminal, settings(list).output, stimuli, () =>
      stimuli.length === 0
        ? 'Nothing came yet. Register a source: lictor stimulus source add shop --workflow NAME --generate'
        : table(
            ['ID', 'SOURCE', 'STATUS', 'WORKFLOW', 'EXECUTION', 'RECEIVED'],
            stimuli.map((one) => [
              one.id,
              one.source,
              one.status,
              one.classification ?? '',
              one.workflow_execution_id ?? '',
              one.received_at,
            ]),
          ),
    )
  })

  const get = stimulus.command('get').description('one of them, with its content').argument('<id>')
  get.action(async (id: string) => {
    const { stimulus: found } = await runtimeClient(await connect(get)).getStimulus(id)
    present(terminal, settings(get).output, found, () => JSON.stringify(found, null, 2))
  })

  const send = stimulus
    .command('send')
    .description('send one; the workflow of its source is begun')
    .option('-i, --input <text>', 'its content')
    .option('--input-file <file>', 'the content from a file')
    .option('--source <name>', 'where it comes from (default http_api)')
    .option('--key <key>', 'sent again with this key within 24 hours, it begins nothing')
  send.action(async (options: { input?: string; inputFile?: string; source?: string; key?: string }) => {
    const { source, key } = options
    const sent = await runtimeClient(await connect(send)).ingestStimulus({
      content: inputOf(terminal, options),
      ...(source === undefined ? {} : { source }),
      ...(key === undefined ? {} : { idempotency_key: key }),
    })
    present(
      terminal,
      settings(send).output,
      sent,
      () =>
        `${sent.id} began the workflow execution ${sent.workflow_execution_id}  (lictor workflow logs ${sent.workflow_execution_id} --follow)`,
    )
  })

  const source = stimulus.command('source').description('where stimuli may come from')
  const add = source
    .command('add')
    .description('register a source of webhooks, or change what is registered')
    .argument('<name>', 'the last part of the address that it calls; * for every source that has no other way')
    .option('--workflow <name>', 'the workflow that it begins')
    .option('--router <agent>', 'the agent that chooses a workflow')
    .addOption(new Option('--signature <form>', 'how it signs').choices(['aegis', 'stripe']))
    .option('--secret', 'what it signs with is on standard input')
    .option('--generate', 'make what it signs with, and print it once')
  add.action(async (name: string, options: SourceOptions) => {
    if (options.secret && options.generate)
      throw new CliError('usage', '--secret and --generate exclude each other.', { exitCode: 2 })
    const secret = options.generate
      ? randomBytes(32).toString('base64url')
      : options.secret
        ? (await terminal.readInput()).replace(/\r?\n$/, '')
        : undefined
    const { url } = await connect(add)
    const made = await runtimeClient(await connect(add)).putStimulusSource({
      source: name,
      ...(options.workflow === undefined ? {} : { workflow: options.workflow }),
      ...(options.router === undefined ? {} : { router_agent: options.router }),
      ...(options.signature === undefined ? {} : { signature: options.signature }),
      ...(secret === undefined ? {} : { secret }),
    })
    const shown = options.generate ? { ...made, secret } : made
    present(terminal, settings(add).output, shown, () =>
      [
        `Webhooks of ${made.source} go to ${url}/v1/webhooks/${encodeURIComponent(made.source)}`,
        ...(options.generate ? [`They are signed with this secret, which is shown once: ${secret}`] : []),
      ].join('\n'),
    )
  })

  const sources = source.command('list', { isDefault: true }).alias('ls').description('list them')
  sources.action(async () => {
    const found = (await runtimeClient(await connect(sources)).listStimulusSources()).sources
    present(terminal, settings(sources).output, found, () =>
      found.length === 0
        ? 'No sources yet. Register one: lictor stimulus source add shop --workflow NAME --generate'
        : table(
            ['SOURCE', 'WORKFLOW', 'ROUTER', 'SIGNED', 'SECRET'],
            found.map((one) => [
              one.source,
              one.workflow ?? '',
              one.router_agent ?? '',
              one.signature,
              one.has_secret ? 'yes' : 'no',
            ]),
          ),
    )
  })

  const remove = source.command('rm').description('take nothing from a source any more').argument('<name>')
  remove.action(async (name: string) => {
    const answer = await runtimeClient(await connect(remove)).deleteStimulusSource(name)
    present(terminal, settings(remove).output, answer, () => `Nothing is taken from ${answer.source} any more.`)
  })
  return stimulus
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It takes a whole number from 1.')
}
