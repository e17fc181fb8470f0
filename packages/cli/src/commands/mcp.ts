import { changedParts } from '@lictor/mcp/gateway'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { openPinFiles, type PinFile, pinFolder } from '../mcp/pin-files.ts'
import type { ServeOptions } from '../mcp/serve.ts'
import type { WrapOptions } from '../mcp/wrap.ts'
import { present, table } from '../terminal/terminal.ts'

/** `lictor mcp …`: MCP servers under contract, without touching the agent. */
export function mcpCommand({ terminal, settings, exitWith }: Context): Command {
  const mcp = new Command('mcp').description('put MCP servers under contract')

  const wrap = judged(
    mcp
      .command('wrap')
      .description('start an MCP server and stand before it: for the place of its command in the settings of a client')
      .argument('<command...>', 'the command of the server, behind --'),
    'the name',
  )
    .option('--name <name>', 'names the MCP server in what is pinned and recorded (default: from its command)')
    .addOption(
      new Option('--roots <roots>', "hide keeps the client's folders from the server")
        .choices(['forward', 'hide'])
        .default('forward'),
    )
  wrap.action(async (command: string[], options: Omit<WrapOptions, 'url'>) => {
    const { wrap: start } = await import('../mcp/wrap.ts')
    const { url } = settings(wrap)
    exitWith(await start(command, { ...options, ...(url === undefined ? {} : { url }) }, terminal))
  })

  const serving = judged(
    mcp
      .command('serve')
      .description('serve many MCP servers as one over Streamable HTTP, for many clients')
      .requiredOption('--config <file>', 'the servers behind, who may call, and where to listen (YAML; docs/mcp.md)'),
    'mcp-gateway',
  )
  serving.action(async (options: Omit<ServeOptions, 'url'>) => {
    const { serve } = await import('../mcp/serve.ts')
    const { url } = settings(serving)
    exitWith(await serve({ ...options, ...(url === undefined ? {} : { url }) }, terminal))
  })

  const pins = mcp
    .command('pins')
    .description('list the tools that are pinned, and those that are held back')
    .argument('[server]', 'the name of an MCP server')
    .option('--pins <folder>', 'where tools are pinned')
  pins.action((server: string | undefined, options: { pins?: string }) => {
    const files = filesOf(options)
    const names = server === undefined ? files.list() : [server]
    if (server !== undefined && !files.list().includes(server)) throw unknownServer(server, files.list())
    const found = names.map((name) => files.read(name))
    present(terminal, settings(pins).output, found, () =>
      found.length === 0
        ? `Nothing is pinned in ${files.folder}.`
        : table(['SERVER', 'TOOL', 'STATE', 'WHY'], found.flatMap(rowsOf)),
    )
  })

  const accept = mcp
    .command('accept')
    .description('accept tools that are held back, as they are now')
    .argument('<server>', 'the name of the MCP server')
    .argument('[tool...]', 'the tools')
    .option('--all', 'every tool of the server that is held back')
    .option('--pins <folder>', 'where tools are pinned')
  accept.action((server: string, tools: string[], options: { all?: true; pins?: string }) => {
    const files = filesOf(options)
    if (!files.list().includes(server)) throw unknownServer(server, files.list())
    if (tools.length === 0 && options.all === undefined)
      throw new CliError('usage', 'Name the tools, or say --all.', { exitCode: 2 })
    const accepted = options.all ? Object.keys(files.read(server).held) : tools
    files.accept(server, accepted)
    present(terminal, settings(accept).output, { server, accepted }, () =>
      accepted.length === 0 ? 'No tool is held back.' : accepted.map((name) => `Accepted: ${name}`),
    )
  })

  const filesOf = (options: { pins?: string }) => openPinFiles(options.pins ?? pinFolder(terminal.environment))
  return mcp
}

/** What every gateway is told: by what to judge, and where to keep what it has seen. */
function judged(command: Command, usualAgent: string): Command {
  return command
    .option('--contracts <file...>', 'contract bundles, composed left to right', [])
    .option('--agent <id>', `with --url: the agent that this is at the server (default: ${usualAgent})`)
    .option('--bundle <name>', 'with --url: the bundle (default: the one that the server assigns)')
    .option('--env <name>', 'the environment that calls are made in', 'production')
    .option(
      '--pins <folder>',
      'where tools are pinned (default: LICTOR_MCP_PINS, else lictor/mcp of your configuration)',
    )
    .option('--audit <file>', 'append the audit events to a file; with --contracts')
    .addOption(
      new Option('--mode <mode>', 'observe refuses nothing and records what it would').choices(['enforce', 'observe']),
    )
    .option(
      '--patience <seconds>',
      'how long a client without progress waits for a person before it is asked to call again',
      seconds,
      50,
    )
}

function rowsOf({ server, tools, held }: PinFile): string[][] {
  const names = [...new Set([...Object.keys(tools), ...Object.keys(held)])].sort()
  return names.map((name) => {
    const back = held[name]
    const pinned = tools[name]
    if (back === undefined) return [server, name, 'pinned', '']
    const parts = pinned === undefined ? back.reason : `${changedParts(pinned.tool, back.tool)} changed`
    return [server, name, 'held back', parts]
  })
}

function unknownServer(server: string, known: readonly string[]): CliError {
  return new CliError('unknown_server', `No tools of an MCP server '${server}' are pinned.`, {
    hint: known.length === 0 ? 'None was wrapped yet.' : `There are: ${known.join(', ')}.`,
  })
}

function seconds(text: string): number {
  const value = Number(text)
  if (!(value >= 1 && value <= 86_400)) throw new InvalidArgumentError('A number of seconds from 1 to 86400.')
  return value
}
