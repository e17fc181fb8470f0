import { LONGEST_TOOL_NAME } from '../tools/telling.ts'

/** A tool of a server, under the name by which it is called here. */
export interface NamedTool<T> {
  readonly name: string
  readonly skipsJudge: boolean
  readonly tool: T
}

interface Capability {
  readonly name: string
  readonly skipsJudge: boolean
}

const prefixOf = ({ name }: Capability): string | null => (name.endsWith('.*') ? name.slice(0, -1) : null)

/**
 * The names that a server's tools have here. A capability that is a name is that tool; `prefix.*` puts every other tool under the
 * prefix, which it keeps where it has it already.
 */
export function nameTools<T extends { readonly name: string }>(
  capabilities: readonly Capability[],
  tools: readonly T[],
): NamedTool<T>[] {
  return tools.flatMap((tool) => {
    const exact = capabilities.find(({ name }) => name === tool.name)
    if (exact) return [{ name: tool.name, skipsJudge: exact.skipsJudge, tool }]
    const wide = capabilities.find((one) => prefixOf(one) !== null)
    if (!wide) return []
    const prefix = prefixOf(wide) ?? ''
    const name = tool.name.startsWith(prefix) ? tool.name : prefix + tool.name
    return name.length > LONGEST_TOOL_NAME ? [] : [{ name, skipsJudge: wide.skipsJudge, tool }]
  })
}

/** The capability that a name falls under: the name itself first, then a prefix of it. */
export function capabilityOf(capabilities: readonly Capability[], name: string): Capability | null {
  const exact = capabilities.find((one) => one.name === name)
  if (exact) return exact
  return (
    capabilities.find((one) => {
      const prefix = prefixOf(one)
      return prefix !== null && name.startsWith(prefix) && name.length > prefix.length
    }) ?? null
  )
}
