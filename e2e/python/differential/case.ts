import { written, YamlText } from './text.ts'

/** A bundle and a call, as trees that can be made smaller. */
export interface Case {
  readonly bundle: {
    readonly mode: string
    readonly tools?: Readonly<Record<string, unknown>>
    readonly contracts: readonly Contract[]
  }
  readonly environment: Readonly<Record<string, string>>
  readonly call: {
    readonly tool: string
    readonly args: Readonly<Record<string, unknown>>
    readonly principal: Readonly<Record<string, unknown>> | null
    readonly output: string
    readonly throws: boolean
    /** What the person who is asked says. */
    readonly answer: 'approved' | 'denied' | 'timeout'
  }
}

export type Contract = Readonly<Record<string, unknown>> & { readonly type: string }

/** The text of the bundle, as a `ContractBundle`. */
export function bundleText({ bundle }: Case): string {
  const contracts = bundle.contracts.map((contract, index) => `  - ${written({ id: `c${index}`, ...contract })}\n`)
  return [
    'apiVersion: edictum/v1\n',
    'kind: ContractBundle\n',
    'metadata: {name: b}\n',
    `defaults: {mode: ${bundle.mode}}\n`,
    bundle.tools ? `tools: ${written(bundle.tools)}\n` : '',
    'contracts:\n',
    ...contracts,
  ].join('')
}

/** What a worker is sent. */
export function caseLine(one: Case, bundle: string): string {
  return written({ bundle, environment: one.environment, call: one.call })
}

/**
 * The case with its numbers as JSON carries them to JavaScript: integers beyond 2^53 as the double they are read as, whole
 * floats of the call as integers. The same case where there are none.
 */
export function withNumbersAsJson(one: Case): Case {
  const bundle = rounded(one.bundle, false) as Case['bundle']
  const call = rounded(one.call, true) as Case['call']
  return bundle === one.bundle && call === one.call ? one : { ...one, bundle, call }
}

function rounded(value: unknown, isCall: boolean): unknown {
  if (typeof value === 'bigint') return Number(value)
  // Zero has a sign in JSON, and JavaScript keeps it.
  if (value instanceof YamlText) return isCall && Number.isInteger(Number(value.text)) ? Number(value.text) : value
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, item]) => [key, rounded(item, isCall)] as const)
  if (entries.every(([key, item]) => item === (value as Record<string, unknown>)[key])) return value
  return Array.isArray(value) ? entries.map(([, item]) => item) : Object.fromEntries(entries)
}
