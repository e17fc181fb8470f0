import type { ApprovalBackend, ApprovalDecision, ApprovalRequest, ApprovalRequestOptions } from '../approvals.ts'
import type { CollectingAuditSink } from '../audit/sinks.ts'
import type { Clock } from '../clock.ts'
import { Edictum } from '../edictum.ts'
import { silentLogger } from '../logger.ts'
import type { YamlOptions } from '../options.ts'
import { ManualClock } from './manual-clock.ts'

/** A bundle of the given contracts, each in one line of YAML. */
export function bundle(
  contracts: readonly string[],
  more: { readonly mode?: string; readonly tail?: string } = {},
): string {
  // A bundle has at least one contract.
  const items = contracts.length > 0 ? contracts : [deny('idle', 'never_called', 'x')]
  return [
    'apiVersion: edictum/v1',
    'kind: ContractBundle',
    'metadata: { name: test-bundle }',
    `defaults: { mode: ${more.mode ?? 'enforce'} }`,
    'contracts:',
    ...items.map((contract) => `  - ${contract}`),
    ...(more.tail ? [more.tail] : []),
    '',
  ].join('\n')
}

/** One contract in a line of YAML. */
export const deny = (id: string, tool: string, fragment: string, more = '') =>
  `{ id: ${id}, type: pre, tool: "${tool}"${more}, when: { args.path: { contains: "${fragment}" } }, then: { effect: deny, message: "{args.path} is off limits (${id})." } }`

export const approve = (id: string, tool: string, more = '') =>
  `{ id: ${id}, type: pre, tool: "${tool}", when: { args.path: { exists: true } }, then: { effect: approve, message: "May I? (${id})"${more} } }`

export const post = (id: string, tool: string, pattern: string, effect: string, more = '') =>
  `{ id: ${id}, type: post, tool: "${tool}"${more}, when: { output.text: { matches: "${pattern}" } }, then: { effect: ${effect}, message: "Found by ${id}." } }`

export const limit = (id: string, limits: string, more = '') =>
  `{ id: ${id}, type: session${more}, limits: ${limits}, then: { effect: deny, message: "Enough ({args.path})." } }`

export const TOOLS = 'tools: { read_file: { side_effect: read }, compute: { side_effect: pure } }'

export interface TestGuard {
  readonly guard: Edictum
  readonly sink: CollectingAuditSink
  readonly clock: ManualClock
  readonly log: string[]
  readonly actions: () => string[]
}

export function guardFrom(
  contracts: readonly string[],
  options: YamlOptions & { readonly bundleMode?: string } = {},
): TestGuard {
  const { bundleMode, ...rest } = options
  const log: string[] = []
  const clock = new ManualClock()
  const logger = { ...silentLogger, warn: (line: string) => log.push(line), error: (line: string) => log.push(line) }
  const text = bundle(contracts, { tail: TOOLS, ...(bundleMode ? { mode: bundleMode } : {}) })
  const guard = Edictum.fromYamlString(text, { clock, logger, ...rest })
  return {
    guard,
    sink: guard.localSink,
    clock,
    log,
    actions: () => guard.localSink.events.map((event) => event.action),
  }
}

/** Decides every approval as told, and remembers what it was asked. */
export class ScriptedApprovals implements ApprovalBackend {
  readonly asked: { toolName: string; args: unknown; message: string; options: ApprovalRequestOptions }[] = []
  readonly #decision: Partial<ApprovalDecision>
  readonly #clock: Clock

  constructor(decision: Partial<ApprovalDecision>, clock: Clock = new ManualClock()) {
    this.#decision = decision
    this.#clock = clock
  }

  async requestApproval(
    toolName: string,
    toolArgs: Readonly<Record<string, unknown>>,
    message: string,
    options: ApprovalRequestOptions = {},
  ): Promise<ApprovalRequest> {
    this.asked.push({ toolName, args: toolArgs, message, options })
    return {
      approvalId: `ap-${this.asked.length}`,
      toolName,
      toolArgs,
      message,
      timeout: options.timeout ?? 300,
      timeoutEffect: options.timeoutEffect ?? 'deny',
      principal: options.principal ?? null,
      metadata: options.metadata ?? {},
      createdAt: new Date(this.#clock.now()).toISOString(),
    }
  }

  async waitForDecision(): Promise<ApprovalDecision> {
    return {
      approved: false,
      approver: null,
      reason: null,
      status: 'pending',
      timestamp: new Date(this.#clock.now()).toISOString(),
      ...this.#decision,
    }
  }
}

/** A tool that counts its calls. */
export function countingTool<Result>(result: Result) {
  const tool = (args: object): Result => {
    tool.calls.push(args)
    return result
  }
  tool.calls = [] as object[]
  return tool
}
