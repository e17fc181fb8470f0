import type { Chapter } from '../chapter.ts'

export const tools: Chapter = {
  tag: 'tools',
  description:
    'The tools that agents can be given: those of this server, and those of the MCP servers of its node. What a caller may call of them is a matter of its security context.',
  fields: {
    tools: 'The tools: those of this server first, then those of MCP servers.',
    servers: 'The servers, in the order of their file.',
    items: 'The same list, under the name that other clients read.',
    count: 'How many there are.',
    description: 'What a model is told of it.',
    input_schema: 'The same, under the name that other clients read.',
    category: 'What it is about, for example `filesystem`.',
    tags: '`read-only`, `destructive`, `network`.',
    name: 'Its name.',
    source: 'Only those of this source.',
    limit: 'How many at most.',
    offset: 'How many to pass over first.',
    started_at: 'When it was last ready; null before the first time.',
    last_healthy_at: 'When it last answered a check; null before the first time.',
  },
  operations: {
    'GET /v1/tools': { notes: 'Tools for operators are left out for everybody else.' },
    'GET /v1/tools/:name': {},
    'GET /v1/tools/servers': { notes: 'For operators. The servers are named in the file of `LICTOR_MCP_SERVERS`.' },
  },
}
