import type { Catalogue } from '../tools/catalogue.ts'
import { builtin, schemaOf, type Tool, type ToolCaller, toolCategories, toolSources, toolTags } from '../tools/tool.ts'
import { flag, oneOf, optional, page, pageOf, text } from './arguments.ts'

const own = {
  ...builtin,
  category: 'tool_discovery',
  tags: ['read-only'],
  sideEffect: 'read',
  isIdempotent: true,
} as const
const filters = {
  source: optional(oneOf('Who runs them.', toolSources)),
  category: optional(oneOf('What they are about.', toolCategories)),
}

/** A tool as it is listed. */
export const listedTool = (tool: Tool) => ({
  name: tool.name,
  description: tool.description,
  inputSchema: schemaOf(tool),
  input_schema: schemaOf(tool),
  source: tool.source,
  category: tool.category,
  tags: tool.tags,
  ...(tool.server === undefined ? {} : { server: tool.server }),
  skip_judge: !tool.isSubjectToJudges,
  fleet_capable: false,
})

/** The tools themselves: what a caller is told of are those that its context could allow. */
export function discoveryTools(deps: { catalogue: () => Pick<Catalogue, 'list'> }): Tool[] {
  const visible = (caller: ToolCaller, { source, category }: Readonly<Record<string, unknown>>): Tool[] =>
    deps
      .catalogue()
      .list()
      .filter((tool) => caller.offers(tool.name))
      .filter((tool) => source === undefined || tool.source === source)
      .filter((tool) => category === undefined || tool.category === category)
  return [
    {
      ...own,
      name: 'aegis.tools.list',
      description: 'List the tools that can be called.',
      arguments: {
        ...page,
        ...filters,
        fleet_capable: optional(flag('Whether they can be run on many edge nodes at once; none can.')),
      },
      run: async ({ caller, args }) => {
        const { limit, offset } = pageOf(args)
        const found = args.fleet_capable === true ? [] : visible(caller, args)
        const tools = found.slice(offset, offset + limit).map(listedTool)
        return { tools, count: tools.length, total: found.length, limit, offset }
      },
    },
    {
      ...own,
      name: 'aegis.tools.search',
      description: 'Find tools by a word, by a pattern of their names, or by tags.',
      arguments: {
        keyword: optional(text('A word of the name or the description.')),
        name_pattern: optional(text('A name, in which `*` stands for any run of characters.')),
        ...filters,
        tags: optional({
          is: 'setting',
          schema: { type: 'array', items: { type: 'string', enum: toolTags }, description: 'Tags they must have.' },
        }),
      },
      run: async ({ caller, args }) => {
        const word = args.keyword === undefined ? '' : String(args.keyword).toLowerCase()
        const tags = (args.tags ?? []) as Tool['tags']
        const tools = visible(caller, args)
          .filter(({ name, description }) => `${name} ${description}`.toLowerCase().includes(word))
          .filter(({ name }) => args.name_pattern === undefined || matches(String(args.name_pattern), name))
          .filter((tool) => tags.every((tag) => tool.tags.includes(tag)))
          .map(listedTool)
        return { tools, count: tools.length, total: tools.length }
      },
    },
  ]
}

/** Compared piece by piece, so that no pattern takes long. */
export function matches(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.toLowerCase().split('*')
  const text = name.toLowerCase()
  if (rest.length === 0) return text === first
  if (!text.startsWith(first)) return false
  const last = rest.pop() ?? ''
  let at = first.length
  for (const piece of rest) {
    const found = text.indexOf(piece, at)
    if (found === -1) return false
    at = found + piece.length
  }
  return text.length - last.length >= at && text.endsWith(last)
}
