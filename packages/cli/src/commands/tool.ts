import { Command } from 'commander'
import { type CallOptions, callTool, objectIn } from '../connection/call-tool.ts'
import { runtimeClient } from '../connection/runtime.ts'
import type { Context } from '../context.ts'
import { present, table } from '../terminal/terminal.ts'

/** `lictor tool …`: what agents can be given, and to try it by hand. */
export function toolCommand({ terminal, settings, connect }: Context): Command {
  const tool = new Command('tool').description('see the tools that agents can be given, and call one')

  const list = tool
    .command('ls', { isDefault: true })
    .alias('list')
    .description('list the tools')
    .option('--source <source>', 'builtin, mcp_server or seal_gateway')
    .option('--category <category>', 'for example filesystem')
  list.action(async (options: { source?: 'builtin' | 'mcp_server' | 'seal_gateway'; category?: string }) => {
    const { tools } = await runtimeClient(await connect(list)).listTools(options)
    present(terminal, settings(list).output, tools, () =>
      tools.length === 0
        ? 'No such tools.'
        : table(
            ['TOOL', 'CATEGORY', 'FROM', 'WHAT IT DOES'],
            tools.map((one) => [one.name, one.category, one.server ?? one.source, firstSentence(one.description)]),
          ),
    )
  })

  const show = tool.command('show').description('show a tool with its arguments').argument('<name>')
  show.action(async (name: string) => {
    const found = await runtimeClient(await connect(show)).getTool(name)
    present(terminal, settings(show).output, found, () =>
      [
        `${found.name}  (${found.server === undefined ? found.source : `MCP server ${found.server}`}, ${found.category})`,
        found.description,
        ...(found.tags.length === 0 ? [] : [found.tags.join(', ')]),
        '',
        argumentsOf(found.input_schema),
      ].join('\n'),
    )
  })

  const call = tool
    .command('call')
    .description('call one tool, judged as a call of a program with a security context would be')
    .argument('<name>', 'for example aegis.tools.list')
    .option('--args <json>', 'its arguments, a JSON object; - reads them from standard input', '{}')
    .option('--context <name>', 'the security context', 'aegis-system-operator')
  call.action(async (name: string, { args, context }: CallOptions & { args: string }) => {
    const given = objectIn(args === '-' ? await terminal.readInput() : args)
    const result = await callTool(() => connect(call), name, given, { context })
    present(terminal, settings(call).output, result, () => JSON.stringify(result, null, 2))
  })

  const servers = tool.command('servers').description('the MCP servers of the node, and how they are')
  servers.action(async () => {
    const found = (await runtimeClient(await connect(servers)).listToolServers()).servers
    present(terminal, settings(servers).output, found, () =>
      found.length === 0
        ? 'No MCP servers. The file that LICTOR_MCP_SERVERS names says which there are.'
        : table(
            ['SERVER', 'STATUS', 'TOOLS', 'LAST HEALTHY', 'WHY'],
            found.map((one) => [
              one.name,
              one.status,
              String(one.tools.length),
              one.last_healthy_at ?? '',
              firstSentence(one.error ?? ''),
            ]),
          ),
    )
  })
  return tool
}

const LONGEST = 80

function firstSentence(text: string): string {
  const [first = ''] = text.split(/(?<=\.)\s|\n/)
  return first.length > LONGEST ? `${first.slice(0, LONGEST - 1)}…` : first
}

/** One line an argument: its name, its type, what it is. */
function argumentsOf(schema: Readonly<Record<string, unknown>>): string {
  const properties = (schema.properties ?? {}) as Readonly<Record<string, { type?: unknown; description?: unknown }>>
  const required = Array.isArray(schema.required) ? schema.required : []
  const lines = Object.entries(properties).map(([name, { type, description }]) => [
    name,
    [type ?? 'any'].flat().join(' or '),
    required.includes(name) ? 'required' : '',
    typeof description === 'string' ? firstSentence(description) : '',
  ])
  return lines.length === 0 ? 'It takes no arguments.' : table(['ARGUMENT', 'TYPE', '', 'WHAT IT IS'], lines).join('\n')
}
