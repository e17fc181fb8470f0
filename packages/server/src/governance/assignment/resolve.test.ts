import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AssignmentRule, jsonEquals, resolveAssignment } from './resolve.ts'

const agent = (agentId: string, tags: Record<string, unknown> = {}, bundleName: string | null = null) => ({
  agentId,
  tags,
  bundleName,
})
const rule = (priority: number, pattern: string, more: Partial<AssignmentRule> = {}): AssignmentRule => ({
  id: `rule-${priority}`,
  priority,
  pattern,
  tagMatch: null,
  bundleName: `bundle-${priority}`,
  env: 'production',
  ...more,
})

describe('resolving an assignment', () => {
  it('an explicit assignment wins in every environment', () => {
    for (const env of ['production', 'staging', null])
      expect(resolveAssignment(agent('a', {}, 'mine'), [rule(1, '*')], env)).toEqual({
        bundleName: 'mine',
        source: 'explicit',
      })
  })

  it('the lowest priority that matches decides', () => {
    expect(resolveAssignment(agent('web-1'), [rule(1, 'db-*'), rule(2, 'web-*'), rule(3, '*')], 'production')).toEqual({
      bundleName: 'bundle-2',
      source: 'rule',
      ruleId: 'rule-2',
      rulePattern: 'web-*',
    })
  })

  it('rules of another environment neither match nor hide', () => {
    const rules = [rule(1, '*', { env: 'staging' }), rule(2, '*')]
    expect(resolveAssignment(agent('a'), rules, 'production').bundleName).toBe('bundle-2')
    expect(resolveAssignment(agent('a'), rules, 'staging').bundleName).toBe('bundle-1')
    expect(resolveAssignment(agent('a'), rules, 'development')).toEqual({ bundleName: null, source: 'none' })
    expect(resolveAssignment(agent('a'), rules, null).bundleName).toBe('bundle-1')
  })

  it('a rule is of exactly one environment, however its pattern and tags match', () => {
    const environments = ['production', 'staging', 'development', 'Production', '*']
    for (const of of environments)
      for (const env of environments) {
        for (const tagMatch of [null, { team: 'x' }]) {
          const rules = [rule(1, '*', { env: of, tagMatch })]
          expect(resolveAssignment(agent('a', { team: 'x' }), rules, env).source).toBe(of === env ? 'rule' : 'none')
        }
      }
  })

  it('one pattern in several environments gives each its own bundle, by priority within the environment', () => {
    const rules = [
      rule(1, '*', { env: 'staging' }),
      rule(2, '*', { env: 'production' }),
      rule(3, '*', { env: 'production' }),
      rule(4, '*', { env: 'development' }),
    ]
    const bundleIn = (env: string | null) => resolveAssignment(agent('a'), rules, env).bundleName
    expect(['production', 'staging', 'development', null].map(bundleIn)).toEqual([
      'bundle-2',
      'bundle-1',
      'bundle-4',
      'bundle-1',
    ])
  })

  it('every tag of a rule must be equal, as JSON', () => {
    const rules = [rule(1, '*', { tagMatch: { team: 'x', tier: 1 } }), rule(2, '*', { tagMatch: {} })]
    expect(resolveAssignment(agent('a', { team: 'x', tier: 1 }), rules, 'production').bundleName).toBe('bundle-1')
    expect(resolveAssignment(agent('a', { team: 'x', tier: '1' }), rules, 'production').bundleName).toBe('bundle-2')
    expect(resolveAssignment(agent('a', { team: 'x' }), rules, 'production').bundleName).toBe('bundle-2')
    const inherited = [rule(1, '*', { tagMatch: { constructor: 'x' } })]
    expect(resolveAssignment(agent('a'), inherited, 'production').source).toBe('none')
  })

  it('patterns are globs with negation', () => {
    expect(resolveAssignment(agent('b-agent'), [rule(1, '[!a]*')], 'production').source).toBe('rule')
    expect(resolveAssignment(agent('a-agent'), [rule(1, '[!a]*')], 'production').source).toBe('none')
  })

  it('what the agent offers is taken when nothing else speaks', () => {
    const rules = [rule(1, 'b'), rule(2, '*', { env: 'staging' })]
    expect(resolveAssignment(agent('a'), rules, 'production', 'own')).toEqual({
      bundleName: 'own',
      source: 'agent_provided',
    })
    expect(resolveAssignment(agent('a'), rules, 'staging', 'own')).toMatchObject({ source: 'rule' })
    expect(resolveAssignment(agent('a', {}, 'mine'), [], 'production', 'own')).toMatchObject({ source: 'explicit' })
    for (const nothing of ['', null])
      expect(resolveAssignment(agent('a'), [], 'production', nothing)).toEqual({ bundleName: null, source: 'none' })
  })

  it('JSON equality ignores the order of fields and nothing else', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        expect(jsonEquals(a, JSON.parse(JSON.stringify(a)))).toBe(true)
        if (JSON.stringify(a) === JSON.stringify(b)) expect(jsonEquals(a, b)).toBe(true)
        expect(jsonEquals(a, b)).toBe(jsonEquals(b, a))
      }),
    )
    expect(jsonEquals({ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 })).toBe(true)
    expect(jsonEquals({ a: 1 }, { a: 1, b: undefined })).toBe(false)
    expect(jsonEquals([1, 2], [2, 1])).toBe(false)
    expect(jsonEquals([], {})).toBe(false)
  })
})
