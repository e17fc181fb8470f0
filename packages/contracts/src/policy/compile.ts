import { compilePost, compilePre, compileSandboxContract, compileSession } from '../contracts/compile.ts'
import type { CompiledContract } from '../contracts/compiled.ts'
import type { BundleDocument, ContractDocument, ToolDocument } from '../document.ts'
import { ExpressionScope } from '../expressions/compile.ts'
import { type CustomSelectors, checkedSelectors } from '../expressions/selectors.ts'
import { type CustomOperators, checkedOperators } from '../operators/custom.ts'
import { compileProgrammatic } from '../programmatic/compile.ts'
import type { ProgrammaticContract } from '../programmatic/contracts.ts'
import type { Mode, OperationLimits } from '../types.ts'
import { createLimits, type LimitsInput, lowerLimits } from './limits.ts'
import { Policy } from './policy.ts'

export interface CompileOptions {
  /** Identifies the document: the `hash` of `loadBundle` or the version of a composition. */
  readonly version: string
  readonly operators?: CustomOperators
  readonly selectors?: CustomSelectors
  /** Contracts given in code; judged after those of the document, in this order. */
  readonly contracts?: readonly ProgrammaticContract[]
  /** Limits to start from instead of `DEFAULT_LIMITS`. */
  readonly limits?: LimitsInput
  /** Follows links; makes sandbox boundaries real paths now, and serves every decision whose context has none. */
  readonly resolvePath?: (path: string) => string
}

/**
 * Turns a validated document into a policy that decides. Null makes a policy of programmatic contracts alone.
 * Throws `EdictumConfigError` naming contract and operator for an unknown operator, and for invalid programmatic parts.
 */
export function compilePolicy(document: BundleDocument | null, options: CompileOptions): Policy {
  const scope = new ExpressionScope(
    checkedOperators(options.operators ?? {}),
    checkedSelectors(options.selectors ?? {}),
  )
  const defaultMode: Mode = document?.defaultMode ?? 'enforce'
  const contracts: CompiledContract[] = []
  let limits = createLimits(options.limits)
  for (const contract of document?.contracts ?? []) {
    const mode = contract.mode ?? defaultMode
    if (contract.type === 'session' && contract.enabled && !contract.candidate && mode === 'enforce') {
      limits = lowerLimits(limits, contract.limits)
    }
    const compiled = compileContract(contract, mode, scope, limits, options.resolvePath)
    // A disabled contract is compiled too, so that its mistakes show, and then left out.
    if (contract.enabled) contracts.push(compiled)
  }
  for (const contract of options.contracts ?? []) contracts.push(compileProgrammatic(contract))
  return new Policy({
    version: options.version,
    name: document?.name ?? null,
    defaultMode,
    limits,
    tools: document?.tools ?? NO_TOOLS,
    contracts,
    readers: scope.readers,
    resolvePath: options.resolvePath,
  })
}

const NO_TOOLS: ReadonlyMap<string, ToolDocument> = new Map()

function compileContract(
  contract: ContractDocument,
  mode: Mode,
  scope: ExpressionScope,
  limits: OperationLimits,
  resolvePath: ((path: string) => string) | undefined,
): CompiledContract {
  switch (contract.type) {
    case 'pre':
      return compilePre(contract, mode, scope)
    case 'post':
      return compilePost(contract, mode, scope)
    case 'session':
      return compileSession(contract, mode, limits)
    case 'sandbox':
      return compileSandboxContract(contract, mode, scope, resolvePath)
  }
}
