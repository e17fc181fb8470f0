import type { Capability, SecurityContext } from '../contexts/security-contexts.ts'

/** Whether everything that the inner context allows is allowed by the outer one, too. What cannot be told is not. */
export function isWithin(inner: SecurityContext, outer: SecurityContext): boolean {
  return (
    inner.capabilities.every((one) => outer.capabilities.some((other) => covers(other, one))) &&
    outer.denyList.every(
      (denied) =>
        inner.denyList.some((own) => coversPattern(own, denied)) ||
        !inner.capabilities.some(({ toolPattern }) => overlap(toolPattern, denied)),
    )
  )
}

function covers(outer: Capability, inner: Capability): boolean {
  return (
    coversPattern(outer.toolPattern, inner.toolPattern) &&
    coversList(outer.pathAllowlist, inner.pathAllowlist, (root, path) => isBelow(path, root)) &&
    coversList(
      outer.domainAllowlist,
      inner.domainAllowlist,
      (domain, host) => host === domain || host.endsWith(`.${domain}`),
    ) &&
    coversList(outer.commandAllowlist, inner.commandAllowlist, (one, other) => one === other) &&
    coversSubcommands(outer.subcommandAllowlist, inner.subcommandAllowlist) &&
    coversNumber(outer.maxResponseSize, inner.maxResponseSize) &&
    coversNumber(outer.maxConcurrent, inner.maxConcurrent) &&
    coversRate(outer.rateLimit, inner.rateLimit)
  )
}

function coversPattern(outer: string, inner: string): boolean {
  if (outer === '*' || outer === inner) return true
  return outer.endsWith('.*') && inner.startsWith(outer.slice(0, -1))
}

const overlap = (one: string, other: string): boolean => coversPattern(one, other) || coversPattern(other, one)

const isBelow = (path: string, root: string): boolean =>
  path === root || path.startsWith(root.endsWith('/') ? root : `${root}/`)

function coversList(
  outer: readonly string[] | undefined,
  inner: readonly string[] | undefined,
  allows: (outer: string, inner: string) => boolean,
): boolean {
  if (outer === undefined) return true
  return inner?.every((one) => outer.some((other) => allows(other, one))) ?? false
}

function coversSubcommands(
  outer: Capability['subcommandAllowlist'],
  inner: Capability['subcommandAllowlist'],
): boolean {
  if (outer === undefined) return true
  if (inner === undefined) return false
  const isAmong = (few: readonly string[], many: readonly string[]) => few.every((one) => many.includes(one))
  if (isList(outer)) {
    if (isList(inner)) return isAmong(inner, outer)
    return Object.values(inner).every((subcommands) => subcommands.length > 0 && isAmong(subcommands, outer))
  }
  // A list for every program allows it to programs that the outer one does not name.
  if (isList(inner)) return inner.length === 0
  return Object.entries(inner).every(([command, subcommands]) => {
    const allowed = Object.hasOwn(outer, command) ? outer[command] : undefined
    // An empty list allows any.
    if (allowed === undefined) return false
    return allowed.length === 0 || (subcommands.length > 0 && isAmong(subcommands, allowed))
  })
}

const isList = (subcommands: NonNullable<Capability['subcommandAllowlist']>): subcommands is readonly string[] =>
  Array.isArray(subcommands)

const coversNumber = (outer: number | undefined, inner: number | undefined): boolean =>
  outer === undefined || (inner !== undefined && inner <= outer)

function coversRate(outer: Capability['rateLimit'], inner: Capability['rateLimit']): boolean {
  if (outer === undefined) return true
  return inner !== undefined && inner.calls <= outer.calls && inner.perSeconds >= outer.perSeconds
}
