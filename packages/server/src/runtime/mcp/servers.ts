import type { McpTool } from '@lictor/mcp'
import type { Part } from '../../part.ts'
import type { ToolSupply } from '../tools/catalogue.ts'
import { NotRouted, type Tool, ToolFailed } from '../tools/tool.ts'
import { capabilityOf, nameTools } from './names.ts'
import type { McpServer, McpServerState } from './server.ts'

/** The MCP servers of this node, as a supply of tools. */
export interface McpServers extends ToolSupply, Part {
  states(): readonly McpServerState[]
}

const LONGEST_DESCRIPTION = 4096

/** @param deps.reap ends what an earlier process of this server left running */
export function createMcpServers(deps: { servers: readonly McpServer[]; reap: () => Promise<number> }): McpServers {
  const { servers, reap } = deps
  /** By server: what its list was when these records were made, for as long as it is that list. */
  const made = new Map<McpServer, { readonly of: readonly McpTool[]; readonly tools: readonly Tool[] }>()

  function toolsOf(server: McpServer): readonly Tool[] {
    const listed = server.tools ?? []
    const known = made.get(server)
    if (known?.of === listed) return known.tools
    const tools = nameTools(server.settings.capabilities, listed).map(({ name, skipsJudge, tool }) =>
      record(server, name, tool, skipsJudge),
    )
    made.set(server, { of: listed, tools })
    return tools
  }

  /** A tool of a server that never listed any: a manifest may name it while the server is down. */
  function expected(server: McpServer, name: string): Tool | null {
    const capability = server.tools === null ? capabilityOf(server.settings.capabilities, name) : null
    return capability === null ? null : record(server, name, { name }, capability.skipsJudge)
  }

  return {
    find(name) {
      for (const server of servers) {
        const found = toolsOf(server).find((tool) => tool.name === name) ?? expected(server, name)
        if (found) return found
      }
      return null
    },
    list: () => servers.flatMap(toolsOf),
    states: () => servers.map((server) => server.state()),
    async start() {
      if (servers.length > 0) await reap()
      // A server that does not start keeps nobody waiting: its tools say so when they are called.
      for (const server of servers) server.start()
    },
    async stop() {
      await Promise.all(servers.map((server) => server.stop()))
    },
  }

  function record(server: McpServer, name: string, tool: McpTool, skipsJudge: boolean): Tool {
    const schema = tool.inputSchema
    return {
      name,
      aliases: [],
      description: describe(tool, server),
      source: 'mcp_server',
      server: server.settings.name,
      category: 'external',
      tags: [],
      // What a server says of its tools are hints, and many say nothing: nothing is taken for harmless.
      sideEffect: 'irreversible',
      isIdempotent: false,
      isSubjectToJudges: !skipsJudge,
      arguments: {},
      foreignSchema:
        typeof schema === 'object' && schema !== null ? (schema as Record<string, unknown>) : { type: 'object' },
      run: async ({ args, signal }) => {
        const own = nameTools(server.settings.capabilities, server.tools ?? []).find((one) => one.name === name)
        const result = await server
          .call(own?.tool.name ?? bareName(name, server), args, signal)
          .catch((error: unknown) => {
            signal.throwIfAborted()
            throw failureOf(server, error as Error)
          })
        const { isError } = (result ?? {}) as { isError?: unknown }
        if (isError === true) throw new ToolFailed(textOf(result))
        return result
      },
    }
  }
}

/** The name that a server which has not listed its tools yet is asked for. */
function bareName(name: string, server: McpServer): string {
  const capability = capabilityOf(server.settings.capabilities, name)
  return capability?.name.endsWith('.*') ? name.slice(capability.name.length - 1) : name
}

function failureOf(server: McpServer, error: Error): Error {
  const { status } = server.state()
  if (status === 'running') return new ToolFailed(error.message, 502, { cause: error })
  return new NotRouted(`the MCP server '${server.settings.name}' is ${status}: ${error.message}`, 502)
}

function describe(tool: McpTool, server: McpServer): string {
  const { description, title } = tool
  const text =
    typeof description === 'string' && description !== '' ? description : typeof title === 'string' ? title : ''
  return (text || `A tool of the MCP server '${server.settings.name}'.`).slice(0, LONGEST_DESCRIPTION)
}

/** What a failed call says, from the blocks of its content. */
function textOf(result: unknown): string {
  const { content } = result as { content?: unknown }
  const texts = (Array.isArray(content) ? content : []).flatMap((block: unknown) => {
    const { text } = (block ?? {}) as { text?: unknown }
    return typeof text === 'string' ? [text] : []
  })
  return texts.length > 0 ? texts.join('\n') : 'The tool failed, and does not say why.'
}
