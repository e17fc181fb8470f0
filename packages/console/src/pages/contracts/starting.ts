import type { AuditEvent } from '../../api/types.ts'

/** What a new contract is to be about. */
export interface Subject {
  readonly tool: string
  /** Arguments of a call that was recorded. */
  readonly args: Readonly<Record<string, unknown>>
  readonly verdict: string | null
}

/** A value that stands as one line in a condition. */
const isPlain = (value: unknown): value is string | number | boolean =>
  typeof value === 'number' ||
  typeof value === 'boolean' ||
  (typeof value === 'string' && value.length <= 200 && !value.includes('\n'))

export function subjectOf(event: AuditEvent): Subject {
  const args = event.payload?.tool_args
  const isRecord = typeof args === 'object' && args !== null && !Array.isArray(args)
  return { tool: event.tool_name, args: isRecord ? (args as Subject['args']) : {}, verdict: event.verdict }
}

/**
 * A contract, as lines of a bundle's list, that concerns exactly the call: a person makes it wider. Texts of the call stand in
 * quotes, so that nothing in them is read as YAML.
 */
export function contractOf({ tool, args }: Subject): string {
  const named = Object.entries(args).filter(
    // What is null counts as missing to a condition.
    ([name, value]) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && value !== null && value !== undefined,
  )
  const plain = named.filter(([, value]) => isPlain(value)).slice(0, 3)
  const [first] = named
  const conditions =
    plain.length > 0
      ? plain.map(([name, value]) => `{ args.${name}: { equals: ${JSON.stringify(value)} } }`)
      : [first ? `{ args.${first[0]}: { exists: true } }` : '{ environment: { exists: true } }']
  const when =
    conditions.length === 1
      ? [`    when: ${conditions[0]}`]
      : ['    when:', '      all:', ...conditions.map((condition) => `        - ${condition}`)]
  return [
    `  - id: ${idOf(tool)}`,
    '    type: pre',
    `    tool: ${JSON.stringify(tool)}`,
    ...when,
    '    then:',
    '      effect: deny',
    `      message: ${JSON.stringify(`${tool} is not allowed with these arguments.`)}`,
    '',
  ].join('\n')
}

const idOf = (tool: string) =>
  `no-${
    tool
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '')
      .slice(0, 60) || 'tool'
  }`

/** A bundle with this contract alone. */
export const bundleOf = (subject: Subject): string => `apiVersion: edictum/v1
kind: ContractBundle
metadata:
  name: ${idOf(subject.tool)}
defaults:
  mode: observe
contracts:
${contractOf(subject)}`
