import { describe, expect, it } from 'vitest'
import type { Capability, SecurityContext } from '../contexts/security-contexts.ts'
import { isWithin } from './within.ts'

const context = (...capabilities: Capability[]): SecurityContext => ({ name: 'c', capabilities, denyList: [] })
const files = { toolPattern: 'fs.*', pathAllowlist: ['/workspace'] }

describe('a context within another', () => {
  const within: readonly [string, SecurityContext, SecurityContext][] = [
    ['is one that is the same', context(files), context(files)],
    ['has fewer tools', context({ ...files, toolPattern: 'fs.read' }), context(files)],
    ['has folders below', context({ ...files, pathAllowlist: ['/workspace/a'] }), context(files)],
    ['has nothing at all', context(), context(files)],
    [
      'has sub-domains',
      context({ toolPattern: 'web.fetch', domainAllowlist: ['a.b.c'] }),
      context({ toolPattern: 'web.*', domainAllowlist: ['b.c'] }),
    ],
    [
      'has fewer subcommands',
      context({ toolPattern: 'cmd.run', subcommandAllowlist: { git: ['log'] } }),
      context({ toolPattern: 'cmd.run', subcommandAllowlist: { git: [] } }),
    ],
    [
      'has a lower limit',
      context({ toolPattern: 'x', rateLimit: { calls: 1, perSeconds: 60 } }),
      context({ toolPattern: '*', rateLimit: { calls: 2, perSeconds: 60 } }),
    ],
  ]
  it.each(within)('%s', (_what, inner, outer) => {
    expect(isWithin(inner, outer)).toBe(true)
  })

  const without: readonly [string, SecurityContext, SecurityContext][] = [
    ['more tools', context({ toolPattern: '*' }), context(files)],
    ['a tool of a name that only begins alike', context({ ...files, toolPattern: 'fsx.read' }), context(files)],
    ['a folder whose name only begins alike', context({ ...files, pathAllowlist: ['/workspace2'] }), context(files)],
    ['no list of folders', context({ toolPattern: 'fs.read' }), context(files)],
    [
      'any subcommand',
      context({ toolPattern: 'cmd.run', subcommandAllowlist: { git: [] } }),
      context({ toolPattern: 'cmd.run', subcommandAllowlist: { git: ['log'] } }),
    ],
    [
      'another command',
      context({ toolPattern: 'cmd.run', commandAllowlist: ['rm'] }),
      context({ toolPattern: 'cmd.run', commandAllowlist: ['ls'] }),
    ],
    [
      'a longer result',
      context({ toolPattern: 'x', maxResponseSize: 2 }),
      context({ toolPattern: 'x', maxResponseSize: 1 }),
    ],
    [
      'a denied tool',
      context({ toolPattern: 'fs.*' }),
      { ...context({ toolPattern: 'fs.*' }), denyList: ['fs.delete'] },
    ],
  ]
  it.each(without)('is none with %s', (_what, inner, outer) => {
    expect(isWithin(inner, outer)).toBe(false)
  })
})
