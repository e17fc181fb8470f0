import { readFileSync, writeFileSync } from 'node:fs'
import { OPERATORS } from '../src/authoring.ts'

export const guideFile = new URL('../../../docs/contract-language.md', import.meta.url)

const HEAD = ['| Operator | Holds when | Example | Holds for | Does not hold for |', '|---|---|---|---|---|']

/** The guide's table of operators, made of their records. */
export function operatorTable(): string {
  const rows = OPERATORS.map(({ name, holdsWhen, examples: [{ argument, holds, fails }] }) => {
    const cells = [
      code(name),
      holdsWhen,
      code(`args.v: {${name}: ${flow(argument)}}`),
      code(JSON.stringify(holds[0])),
      code(JSON.stringify(fails[0])),
    ]
    return `| ${cells.join(' | ')} |`
  })
  return [...HEAD, ...rows].join('\n')
}

/** The guide with its table of operators as it should be. */
export function guideText(): string {
  const guide = readFileSync(guideFile, 'utf8')
  const start = guide.indexOf(HEAD[0] as string)
  return guide.slice(0, start) + operatorTable() + guide.slice(guide.indexOf('\n\n', start))
}

const code = (text: string): string => `\`${text}\``

/** An argument as an author would write it: in quotes only where it needs them, patterns in single ones. */
function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`
  if (typeof value !== 'string') return JSON.stringify(value)
  if (/[\\^$]/.test(value)) return `'${value.replaceAll("'", "''")}'`
  return /^[A-Za-z/.][\w./-]*$/.test(value) && !/^(?:true|false|yes|no|on|off|null|y|n)$/i.test(value)
    ? value
    : JSON.stringify(value)
}

if (import.meta.main) writeFileSync(guideFile, guideText())
