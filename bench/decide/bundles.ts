/** One bundle to decide with: its YAML, the same rules for Cedar, and the same checks written by hand. */
export interface BenchBundle {
  readonly name: string
  readonly contracts: number
  /** How many contracts name the tool that is called. */
  readonly applicable: number
  /** Several texts where one would be larger than a bundle may be; their contracts follow one another. */
  readonly yaml: readonly string[]
  readonly cedar: string
  readonly byHand: (call: BenchCall) => boolean
}

export interface BenchCall {
  readonly tool: string
  readonly command: string
  readonly path: string
  readonly role: string
  readonly amount: number
}

interface Rule {
  readonly tool: string
  readonly when: string
  readonly cedar: string
  readonly fires: (call: BenchCall) => boolean
}

type RuleMaker = (index: number, tool: string) => Rule

const TOOL = 'Bash'

/** The everyday mix: a text search, a role, a prefix, a number, and two joined by all. None fires on the calls measured. */
const everyday: RuleMaker = (i, tool) => {
  switch (i % 5) {
    case 0:
      return {
        tool,
        when: `args.command: {contains: "danger-${i}"}`,
        cedar: `context.command like "*danger-${i}*"`,
        fires: (call) => call.command.includes(`danger-${i}`),
      }
    case 1:
      return {
        tool,
        when: 'principal.role: {not_in: [admin,sre,developer]}',
        cedar: '!(["admin", "sre", "developer"].contains(context.role))',
        fires: (call) => !['admin', 'sre', 'developer'].includes(call.role),
      }
    case 2:
      return {
        tool,
        when: `args.path: {starts_with: "/etc/${i}"}`,
        cedar: `context.path like "/etc/${i}*"`,
        fires: (call) => call.path.startsWith(`/etc/${i}`),
      }
    case 3:
      return {
        tool,
        when: `args.amount: {gt: ${1_000_000 + i}}`,
        cedar: `context.amount > ${1_000_000 + i}`,
        fires: (call) => call.amount > 1_000_000 + i,
      }
    default:
      return {
        tool,
        when: `all: [{environment: {equals: production}},{args.command: {ends_with: "--f${i}"}}]`,
        cedar: `context.environment == "production" && context.command like "*--f${i}"`,
        fires: (call) => call.command.endsWith(`--f${i}`),
      }
  }
}

/** Regular expressions. Cedar has none; its `like` does less work for the same rule. */
const regexes: RuleMaker = (i, tool) => {
  const pattern = new RegExp(`\\brm\\s+-[rf]+\\s+/srv/${i}\\b`)
  return {
    tool,
    when: `args.command: {matches: '\\brm\\s+-[rf]+\\s+/srv/${i}\\b'}`,
    cedar: `context.command like "*rm -*/srv/${i}*"`,
    fires: (call) => pattern.test(call.command),
  }
}

const DEPTH = 12

/** A condition twelve levels deep whose last leaf decides. */
const deep: RuleMaker = (i, tool) => {
  let when = `{args.path: {equals: "/x/${i}"}}`
  let cedar = `context.path == "/x/${i}"`
  for (let level = 0; level < DEPTH; level++) {
    when =
      level % 2 === 0
        ? `{all: [{args.amount: {gte: 0}}, ${when}]}`
        : `{any: [{args.command: {equals: "never-${level}"}}, ${when}]}`
    cedar = level % 2 === 0 ? `(context.amount >= 0 && ${cedar})` : `(context.command == "never-${level}" || ${cedar})`
  }
  return {
    tool,
    when: when.slice(1, -1),
    cedar,
    fires: (call) => {
      let value = call.path === `/x/${i}`
      for (let level = 0; level < DEPTH; level++) {
        value = level % 2 === 0 ? call.amount >= 0 && value : call.command === `never-${level}` || value
      }
      return value
    },
  }
}

function bundle(name: string, count: number, tool: (index: number) => string, rule: RuleMaker): BenchBundle {
  const rules = Array.from({ length: count }, (_, i) => rule(i, tool(i)))
  const mine = rules.filter((r) => r.tool === TOOL || r.tool === '*' || r.tool === 'Ba*' || r.tool === '*sh')
  const contracts = rules.map(
    (r, i) => `- {id: c${i},type: pre,tool: "${r.tool}",when: {${r.when}},then: {effect: deny,message: m}}`,
  )
  const cedar = rules.map((r) => {
    const action = mine.includes(r) && r.tool !== TOOL ? 'action' : `action == Action::"${r.tool}"`
    return `forbid(principal, ${action}, resource) when { ${r.cedar} };`
  })
  return {
    name,
    contracts: count,
    applicable: mine.length,
    yaml: chunks(contracts, 5000).map((part) => `${HEAD}${part.join('\n')}\n`),
    cedar: `permit(principal, action, resource);\n${cedar.join('\n')}`,
    byHand: (call) => {
      if (call.tool !== TOOL) return true
      for (let i = 0; i < mine.length; i++) if (mine[i]?.fires(call)) return false
      return true
    },
  }
}

const HEAD = `apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: bench}
defaults: {mode: enforce}
contracts:
`

function chunks(lines: readonly string[], size: number): readonly (readonly string[])[] {
  const parts: (readonly string[])[] = []
  for (let i = 0; i < lines.length; i += size) parts.push(lines.slice(i, i + size))
  return parts
}

const few = (count: number) => (i: number) => (i % Math.max(1, count / 10) === 0 ? TOOL : `t${i}`)
const all = () => TOOL
const wildcards = (i: number) => (i % 2 === 0 ? (['*', 'Ba*', '*sh', '*'][(i / 2) % 4] as string) : `t${i}`)

/** Every bundle that is measured. Small ones come first, so that nobody profits from a warm machine alone. */
export function benchBundles(): readonly BenchBundle[] {
  return [
    ...[5, 10, 100, 1000, 10_000].map((n) => bundle(`few for the tool, ${n}`, n, few(n), everyday)),
    ...[5, 100, 1000, 10_000].map((n) => bundle(`all for the tool, ${n}`, n, all, everyday)),
    ...[100, 1000].map((n) => bundle(`half wildcards, ${n}`, n, wildcards, everyday)),
    ...[5, 100].map((n) => bundle(`regex-heavy, ${n}`, n, all, regexes)),
    ...[5, 100].map((n) => bundle(`deep, ${n}`, n, all, deep)),
  ]
}

/** Calls nothing objects to: the whole bundle is walked. */
export const benchCalls: readonly BenchCall[] = Array.from({ length: 64 }, (_, i) => ({
  tool: TOOL,
  command: `git commit -m "change number ${i} of the week"`,
  path: `/home/user/project/src/file-${i}.ts`,
  role: i % 2 === 0 ? 'developer' : 'sre',
  amount: i * 10,
}))
