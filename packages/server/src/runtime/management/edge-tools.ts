import { builtin, type Tool } from '../tools/tool.ts'
import { json, optional, text } from './arguments.ts'

const own = { ...builtin, category: 'system_management' } as const
const NONE = 'There are no edge nodes connected to this server.'

/** Edge nodes: this server has none, and says so instead of failing. */
export const edgeTools: readonly Tool[] = [
  {
    ...own,
    name: 'aegis.edge.fleet.list',
    description: 'List the edge nodes that are connected.',
    tags: ['read-only'],
    sideEffect: 'read',
    isIdempotent: true,
    arguments: { target: optional(json('Which nodes: ids, tags or groups.')) },
    run: async () => ({ nodes: [], count: 0, message: NONE }),
  },
  {
    ...own,
    name: 'aegis.edge.fleet.invoke',
    description: 'Run a tool on many edge nodes.',
    sideEffect: 'irreversible',
    isIdempotent: false,
    arguments: {
      target: json('Which nodes: ids, tags or groups.'),
      tool: text('Name of the tool.'),
      arguments: optional(json('Its arguments.')),
    },
    run: async () => ({ status: 'no_edge_nodes', results: [], count: 0, message: NONE }),
  },
  {
    ...own,
    name: 'aegis.edge.fleet.cancel',
    description: 'Cancel what runs on many edge nodes.',
    sideEffect: 'write',
    isIdempotent: true,
    arguments: { fleet_command_id: text('Id of the command.') },
    run: async ({ args }) => ({
      status: 'no_edge_nodes',
      fleet_command_id: args.fleet_command_id,
      cancelled: 0,
      message: NONE,
    }),
  },
]
