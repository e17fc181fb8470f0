import type { Test } from '../expressions/evaluation.ts'
import type { PatternCache } from '../expressions/patterns.ts'
import { list, text } from '../load/shape.ts'
import { notText } from './mismatch.ts'
import { asList, type Demand, type Operator, type SamplePattern, type Samples, TEXT, TEXT_OR_NONE } from './operator.ts'

const PATTERN = text({ min: 1 })

const matches: Operator = {
  name: 'matches',
  shape: PATTERN,
  compile: (slot, argument, patterns) => matchesOne('matches', slot, asList(argument), patterns),
  patterns: sourcesOf,
  demands,
  samples,
  holdsWhen: 'the pattern is found in `v`',
  examples: [
    { argument: '^v\\d+$', holds: ['v12', 'v1\n'], fails: ['v12b', 'V1', null] },
    { argument: '(?i)^v[12]', holds: ['V1', 'v2.0'], fails: ['v3', ' v1'] },
  ],
}

const matchesAny: Operator = {
  name: 'matches_any',
  shape: list(PATTERN),
  compile: (slot, argument, patterns) => matchesOne('matches_any', slot, asList(argument), patterns),
  patterns: sourcesOf,
  demands,
  samples,
  holdsWhen: 'one of the patterns is found in `v`',
  examples: [
    { argument: ['\\bcurl\\b', '\\bwget\\b'], holds: ['sudo wget x', 'curl'], fails: ['curly', null] },
    { argument: ['\\bcurl\\b', '^nc\\s'], holds: ['a; curl b', 'nc -l'], fails: ['wget x', 'sync '] },
  ],
}

function sourcesOf(argument: unknown): readonly string[] {
  return asList(argument).map(String)
}

function demands(_: unknown, holds: boolean): Demand {
  return holds ? TEXT : TEXT_OR_NONE
}

function samples(argument: unknown, samplePattern: SamplePattern): Samples {
  return {
    holds: sourcesOf(argument).flatMap(samplePattern),
    fails: ['other', '', undefined],
  }
}

function matchesOne(operator: string, slot: number, sources: readonly unknown[], cache: PatternCache): Test {
  const patterns = sources.map((source) => cache.get(String(source)))
  const [only] = patterns
  if (only && patterns.length === 1) {
    return (e) => {
      const value = e.read(slot)
      return typeof value === 'string' ? only.test(value) : notText(operator, value)
    }
  }
  return (e) => {
    const value = e.read(slot)
    if (typeof value !== 'string') return notText(operator, value)
    for (let i = 0; i < patterns.length; i++) if (patterns[i]?.test(value)) return true
    return false
  }
}

export const PATTERNS: readonly Operator[] = [matches, matchesAny]
