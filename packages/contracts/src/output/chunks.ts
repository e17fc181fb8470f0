import { MAX_PATTERN_TEXT } from '../bounds.ts'
import { type CompiledPost, type Fired, firedRecord, SKIPPED } from '../contracts/compiled.ts'
import { decidePost } from '../decide/post.ts'
import type { CompiledExpression } from '../expressions/compile.ts'
import type { Mark } from '../history/history.ts'
import type { Policy } from '../policy/policy.ts'
import type { ContractRecord, DecideContext, Envelope, PostDecision } from '../types.ts'
import { type Redactor, redactorOf } from './redact.ts'

/** Text held back so that what is looked for is found across chunks: the longest match that a stream is searched for. */
const OVERLAP = 8192

/** Judges an output that comes piece by piece: a body, a stream, what a generator yields. */
export interface ChunkJudge {
  /**
   * Takes a piece; bytes are UTF-8 text, and a character may be cut by their end.
   *
   * @returns what may be passed on now; empty while nothing may
   */
  push(chunk: string | Uint8Array): string
  /** The rest, and what the contracts decided of the whole. */
  end(): { readonly text: string; readonly decision: PostDecision }
  /** Whether a contract has withheld the output: nothing more will be passed on, and nobody need read on. */
  readonly isWithheld: boolean
}

const NO_COUNTERS = Object.freeze({ attempts: 0, executions: 0, toolExecutions: 0 })

/**
 * The judge of a tool's output that comes piece by piece. Contracts that look for something in the text are judged over a
 * window that overlaps the pieces before, and what was judged is passed on at once. Where any contract can be judged only
 * by the whole text (a `not`, a comparison, a contract given in code), nothing is passed on before the end, and an output of
 * more than 1,048,576 characters is withheld. Null when no contract judges the tool's output.
 */
export function judgeChunks(policy: Policy, envelope: Envelope, context?: DecideContext): ChunkJudge | null {
  const plan = policy.planFor(envelope.toolName)
  const contracts = [...plan.post, ...plan.postCandidates]
  if (contracts.length === 0) return null
  const effective = contracts.filter((contract) => isEffective(contract, envelope))
  const byParts = contracts.every(
    ({ condition, programmatic }) => !programmatic && condition !== null && findsByParts(condition),
  )
  return byParts
    ? new WindowJudge(policy, envelope, context, contracts, effective.length > 0)
    : new WholeJudge(policy, envelope, context, effective.length > 0)
}

/** Whether a contract that fires changes what the caller gets. */
function isEffective({ effect, mode, candidate }: CompiledPost, { sideEffect }: Envelope): boolean {
  const isSafe = sideEffect === 'pure' || sideEffect === 'read'
  return isSafe && effect !== 'warn' && effect !== 'label' && mode !== 'observe' && !candidate
}

const SEARCHES: ReadonlySet<string> = new Set(['contains', 'contains_any', 'matches', 'matches_any'])

/** Whether a condition holds for a text exactly when it holds for one of its parts. */
function findsByParts(expression: CompiledExpression): boolean {
  switch (expression.kind) {
    case 'leaf':
      return !readsOutput(expression) || (expression.selector === 'output.text' && SEARCHES.has(expression.operator))
    case 'not':
      return !readsOutput(expression.child)
    case 'any':
      return expression.children.every(findsByParts)
    case 'all':
      return expression.children.filter(readsOutput).length <= 1 && expression.children.every(findsByParts)
  }
}

function readsOutput(expression: CompiledExpression): boolean {
  switch (expression.kind) {
    case 'leaf':
      return expression.selector === 'output.text' || expression.selector.startsWith('result.')
    case 'not':
      return readsOutput(expression.child)
    default:
      return expression.children.some(readsOutput)
  }
}

/**
 * What a session is to remember of a call before anything of its output is read: who reads it piece by piece acts on the first
 * one before the last has come. A contract that looks at the output leaves its mark whatever the output will be.
 */
export function marksBeforeReading(policy: Policy, envelope: Envelope, context?: DecideContext): readonly Mark[] {
  const { post, postCandidates } = policy.planFor(envelope.toolName)
  const marking = [...post, ...postCandidates].filter(({ mark }) => mark !== null)
  if (marking.length === 0) return []
  const evaluation = policy.evaluation(envelope, NO_COUNTERS, context)
  evaluation.inPost = true
  try {
    const leaving = marking.filter(
      (contract) =>
        contract.condition === null || readsOutput(contract.condition) || contract.evaluate(evaluation) !== null,
    )
    return leaving.flatMap(({ mark }) => mark ?? [])
  } finally {
    evaluation.end()
  }
}

abstract class Judge implements ChunkJudge {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  isWithheld = false

  push(chunk: string | Uint8Array): string {
    const text = typeof chunk === 'string' ? chunk : this.#decoder.decode(chunk, { stream: true })
    return this.isWithheld || text === '' ? '' : this.take(text)
  }

  /** The end of a character that never came. */
  protected rest(): string {
    return this.#decoder.decode()
  }

  protected abstract take(text: string): string
  abstract end(): { readonly text: string; readonly decision: PostDecision }
}

/** Holds everything until the end. */
class WholeJudge extends Judge {
  readonly #policy: Policy
  readonly #envelope: Envelope
  readonly #context: DecideContext | undefined
  readonly #isEffective: boolean
  #text = ''

  constructor(policy: Policy, envelope: Envelope, context: DecideContext | undefined, isEffective: boolean) {
    super()
    this.#policy = policy
    this.#envelope = envelope
    this.#context = context
    this.#isEffective = isEffective
  }

  protected take(text: string): string {
    if (this.#text.length <= MAX_PATTERN_TEXT) this.#text += text
    // Beyond the limit no contract can judge it: what is held already is enough to say so.
    if (this.#text.length > MAX_PATTERN_TEXT && this.#isEffective) this.isWithheld = true
    return this.#isEffective ? '' : text
  }

  end() {
    this.#text += this.rest()
    const decision = decidePost(this.#policy, this.#envelope, this.#text, true, this.#context)
    if (!this.isWithheld) {
      return { text: this.#isEffective ? (decision.redactedResponse ?? this.#text) : '', decision }
    }
    const text = `[OUTPUT SUPPRESSED] The output is longer than ${MAX_PATTERN_TEXT} characters and could not be judged.`
    return {
      text,
      decision: {
        ...decision,
        policyError: true,
        postconditionsPassed: false,
        redactedResponse: text,
        replacement: { value: text },
        outputSuppressed: true,
      },
    }
  }
}

/** Passes on what was judged, but for the end of it, in which something may begin. */
class WindowJudge extends Judge {
  readonly #policy: Policy
  readonly #envelope: Envelope
  readonly #context: DecideContext | undefined
  readonly #contracts: readonly CompiledPost[]
  readonly #isEffective: boolean
  readonly #fired = new Map<CompiledPost, Fired>()
  readonly #redactors = new Map<CompiledPost, Redactor>()
  #held = ''
  #isChanged = false
  #suppression: string | null = null

  constructor(
    policy: Policy,
    envelope: Envelope,
    context: DecideContext | undefined,
    contracts: readonly CompiledPost[],
    isEffective: boolean,
  ) {
    super()
    this.#policy = policy
    this.#envelope = envelope
    this.#context = context
    this.#contracts = contracts
    this.#isEffective = isEffective
  }

  protected take(text: string): string {
    this.#held += text
    if (!this.#isEffective) {
      this.#judge()
      this.#held = this.#held.slice(-OVERLAP)
      return text
    }
    // Small pieces wait for each other: each look costs the length of what is held.
    if (this.#held.length < 2 * OVERLAP) return ''
    return this.#advance(false)
  }

  end() {
    this.#held += this.rest()
    let text = ''
    if (this.#isEffective && !this.isWithheld) text = this.#advance(true)
    else this.#judge()
    return { text: this.#suppression === null ? text : text + this.#suppression, decision: this.#decision() }
  }

  #advance(isEnd: boolean): string {
    this.#judge()
    if (this.isWithheld) return ''
    try {
      return this.#passOn(isEnd)
    } catch {
      this.#withhold('The output could not be redacted.')
      return ''
    }
  }

  #passOn(isEnd: boolean): string {
    const held = this.#held
    const redacted = this.#redact(held)
    if (isEnd) {
      this.#held = ''
      return this.#noted(held, redacted)
    }
    const cut = this.#safeCut(held, redacted)
    if (cut === 0 && held.length > MAX_PATTERN_TEXT / 2)
      throw new RangeError('one match spans more than may be held back')
    const passed = held.slice(0, cut)
    this.#held = held.slice(cut)
    return this.#noted(passed, this.#redact(passed))
  }

  #noted(text: string, redacted: string): string {
    if (redacted !== text) this.#isChanged = true
    return redacted
  }

  /** Where the held text may be cut without cutting what is to be hidden; 0 for nowhere. */
  #safeCut(held: string, redacted: string): number {
    for (let cut = held.length - OVERLAP; cut > 0; cut = Math.min(cut - 1, Math.floor(cut * 0.9))) {
      const at = isHighSurrogate(held, cut - 1) ? cut - 1 : cut
      if (this.#redact(held.slice(0, at)) + this.#redact(held.slice(at)) === redacted) return at
    }
    return 0
  }

  #redact(text: string): string {
    let result = text
    for (const redact of this.#redactors.values()) result = redact(result)
    return result
  }

  /** Looks at what is held, and notes which contracts fire. */
  #judge(): void {
    const evaluation = this.#policy.evaluation(this.#envelope, NO_COUNTERS, this.#context)
    evaluation.response = this.#held
    evaluation.inPost = true
    try {
      for (const contract of this.#contracts) {
        if (this.#fired.has(contract)) continue
        const outcome = contract.evaluate(evaluation)
        if (outcome !== null && outcome !== SKIPPED && !(outcome instanceof Promise)) this.#fire(contract, outcome)
      }
    } finally {
      evaluation.end()
    }
  }

  #fire(contract: CompiledPost, fired: Fired): void {
    this.#fired.set(contract, fired)
    if (!isEffective(contract, this.#envelope)) return
    if (contract.effect === 'deny' || fired.policyError) this.#withhold(fired.message)
    else this.#redactors.set(contract, redactorOf(contract.redactPatterns))
  }

  #withhold(message: string): void {
    if (this.isWithheld) return
    this.isWithheld = true
    this.#held = ''
    this.#suppression = `[OUTPUT SUPPRESSED] ${message}`
  }

  #decision(): PostDecision {
    const records: ContractRecord[] = []
    const warnings: string[] = []
    let passed = true
    for (const contract of this.#contracts) {
      const fired = this.#fired.get(contract)
      if (fired === undefined) {
        records.push(contract.passed)
        continue
      }
      const observed = contract.mode === 'observe' || contract.candidate
      records.push(firedRecord(contract.id, contract.recordType, fired, observed))
      if (contract.mark !== null) continue
      if (!observed) passed = false
      warnings.push(`\u26a0\ufe0f ${observed ? '[observe] ' : ''}${fired.message}`)
    }
    return {
      toolSuccess: true,
      postconditionsPassed: passed,
      warnings,
      contractsEvaluated: records,
      policyError: [...this.#fired.values()].some(({ policyError }) => policyError),
      redactedResponse: this.#suppression ?? (this.#isChanged ? '[the output was redacted as it came]' : null),
      replacement: null,
      outputSuppressed: this.isWithheld,
      marks: [...this.#fired.keys()].flatMap(({ mark }) => mark ?? []),
    }
  }
}

function isHighSurrogate(text: string, at: number): boolean {
  const unit = text.charCodeAt(at)
  return unit >= 0xd800 && unit <= 0xdbff
}
