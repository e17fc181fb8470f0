import { describe, expect, it } from 'vitest'
import { toWireTime } from '../../storage/instants.ts'
import { sinceOf } from '../since.ts'
import { bundleMatchers, byStatus, coverTool, manifestMatchers, matchesTool, summarise } from './matching.ts'

const matcher = (contractName: string, mode: string, ...patterns: string[]) => ({
  contractName,
  contractType: 'pre',
  mode,
  bundleName: 'b',
  source: 'console' as const,
  patterns,
})

describe('a tool pattern', () => {
  it('without star or question mark is a name, exactly', () => {
    expect(matchesTool('exec', 'exec')).toBe(true)
    expect(matchesTool('exec', 'execute')).toBe(false)
    expect(matchesTool('Exec', 'exec')).toBe(false)
    expect(matchesTool('[ab]', 'a')).toBe(false)
    expect(matchesTool('[ab]', '[ab]')).toBe(true)
  })

  it('with one is a glob over the whole name', () => {
    expect(matchesTool('file_*', 'file_read')).toBe(true)
    expect(matchesTool('file_*', 'file_')).toBe(true)
    expect(matchesTool('file_*', 'my_file_read')).toBe(false)
    expect(matchesTool('fil?_[rw]*', 'file_write')).toBe(true)
    expect(matchesTool('*', '')).toBe(true)
  })
})

describe('the contracts of a bundle', () => {
  const of = (yaml: string) => bundleMatchers(yaml, 'devops')

  it('are read leniently', () => {
    expect(
      of(`contracts:
  - {name: shown, id: hidden, tools: [exec, 'file_*'], type: sandbox, mode: observe}
  - {id: single, tool: exec}
  - {tool: nameless}
  - text
  - {id: session-limit, type: session}
  - {id: off, tool: exec, enabled: false}
`),
    ).toEqual([
      {
        contractName: 'shown',
        contractType: 'sandbox',
        mode: 'observe',
        bundleName: 'devops',
        source: 'console',
        patterns: ['exec', 'file_*'],
      },
      {
        contractName: 'single',
        contractType: 'pre',
        mode: 'enforce',
        bundleName: 'devops',
        source: 'console',
        patterns: ['exec'],
      },
      {
        contractName: 'session-limit',
        contractType: 'session',
        mode: 'enforce',
        bundleName: 'devops',
        source: 'console',
        patterns: [],
      },
    ])
  })

  it('have the mode of the bundle unless they say another', () => {
    const modes = of('defaults: {mode: observe}\ncontracts: [{id: a, tool: x}, {id: b, tool: x, mode: enforce}]')
    expect(modes.map((each) => each.mode)).toEqual(['observe', 'enforce'])
  })

  it('of what is no bundle are none', () => {
    for (const yaml of ['{', '- a', 'contracts: text', 'contracts: {}', '', 'a: &a [*a]']) expect(of(yaml)).toEqual([])
  })

  it('of a Ruleset are its rules', () => {
    expect(of('kind: Ruleset\nrules: [{id: a, tool: x}]')).toHaveLength(1)
  })

  it('that an agent reported are its own', () => {
    const manifest = {
      contracts: [{ id: 'a', tool: ['x', 'y'], mode: 'observe' }, { id: '', tool: 'z' }, { tool: 'z' }, 3],
    }
    expect(manifestMatchers(manifest)).toEqual([
      {
        contractName: 'a',
        contractType: 'pre',
        mode: 'observe',
        bundleName: 'local',
        source: 'local',
        patterns: ['x', 'y'],
      },
    ])
    expect(manifestMatchers(null)).toEqual([])
  })
})

describe('coverage', () => {
  it('a tool is enforced when any contract enforces, else observed, else ungoverned', () => {
    const matchers = [
      matcher('watch', 'observe', 'exec'),
      matcher('block', 'enforce', 'e*'),
      matcher('later', 'enforce', '*'),
    ]
    expect(coverTool('exec', matchers)).toMatchObject({ status: 'enforced', by: { contractName: 'block' } })
    expect(coverTool('exec', matchers.slice(0, 1))).toMatchObject({ status: 'observed', by: { contractName: 'watch' } })
    expect(coverTool('exec', [matcher('odd', 'Enforce', 'exec')])).toMatchObject({ status: 'observed' })
    expect(coverTool('other', matchers.slice(0, 2))).toEqual({ toolName: 'other', status: 'ungoverned', by: null })
  })

  it('counts only enforced tools, half to even', () => {
    const tools = (enforced: number, observed: number, ungoverned: number) => [
      ...Array(enforced).fill({ status: 'enforced' }),
      ...Array(observed).fill({ status: 'observed' }),
      ...Array(ungoverned).fill({ status: 'ungoverned' }),
    ]
    expect(summarise(tools(5, 1, 1))).toEqual({ total: 7, enforced: 5, observed: 1, ungoverned: 1, percent: 71 })
    expect(summarise([]).percent).toBe(100)
    expect(summarise(tools(0, 3, 0)).percent).toBe(0)
    expect(summarise(tools(1, 0, 7)).percent).toBe(12)
    expect(summarise(tools(3, 0, 5)).percent).toBe(38)
  })

  it('shows enforced tools first and keeps the order among equals', () => {
    const tools = ['ungoverned a', 'enforced b', 'observed c', 'enforced d', 'ungoverned e'].map((text) => {
      const [status = '', name] = text.split(' ')
      return { status: status as 'enforced', name }
    })
    expect(tools.sort(byStatus).map((tool) => tool.name)).toEqual(['b', 'd', 'c', 'a', 'e'])
  })
})

describe('since', () => {
  const now = Date.UTC(2026, 2, 1, 12)
  const since = (text?: string) => toWireTime(sinceOf(text, now))

  it('is a duration, an instant, or a day ago', () => {
    expect(since()).toBe('2026-02-28T12:00:00Z')
    expect(since('12h')).toBe('2026-03-01T00:00:00Z')
    expect(since('7d')).toBe('2026-02-22T12:00:00Z')
    expect(since('30m')).toBe('2026-03-01T11:30:00Z')
    expect(since('0h')).toBe('2026-03-01T12:00:00Z')
    expect(since('3650d')).toBe('2016-03-03T12:00:00Z')
    expect(since('2026-01-02T03:04:05Z')).toBe('2026-01-02T03:04:05Z')
    expect(since('2026-01-02T03:04:05+02:00')).toBe('2026-01-02T01:04:05Z')
    expect(since('2026-01-02T03:04:05 02:00')).toBe('2026-01-02T01:04:05Z')
    expect(since('2026-01-02')).toBe('2026-01-02T00:00:00Z')
  })

  it('is refused in words when it is too long ago or nothing', () => {
    for (const text of ['3651d', '3651h', `${'9'.repeat(20)}d`, `${'9'.repeat(20)}h`, `${'9'.repeat(20)}m`])
      expect(() => since(text)).toThrow(`Duration too large: ${text} (max 10 years)`)
    for (const text of ['yesterday', '-1h', '1w', "1h' or '1'='1", '1h\u0000', '', '12345', 'h', '1.5h'])
      expect(() => since(text)).toThrow(`Invalid since value: ${text}`)
  })
})
