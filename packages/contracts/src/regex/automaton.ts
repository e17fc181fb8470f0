import { isWord, setHas } from './chars.ts'
import { anchorHolds, before, type Instruction, Op, PatternLimitError } from './program.ts'

/** Steps of the simulation one test may take; a test that stays within the cached states takes none. */
const STEP_BUDGET = 4_000_000
/** And more for each character, so that a long text may ask for as much as a short one does in its place. */
const STEPS_PER_CHARACTER = 2
const MAX_STATES = 1_000
const MAX_WIDE_CLASSES = 4_096

interface State {
  readonly pcs: readonly number[]
  /** The character class before this state, as far as anchors care. */
  readonly previous: number
  /** By class of the next character: the state after it. */
  readonly next: (State | undefined)[]
  accepts: boolean
  acceptsAtEnd: boolean | undefined
}

/** A finite automaton built as the texts ask for it: one table step per character, linear for every pattern. */
export class Automaton {
  readonly #code: readonly Instruction[]
  readonly #sets: { readonly pc: number; readonly instruction: Instruction }[] = []
  readonly #caresForWords: boolean
  readonly #asciiClasses = new Int16Array(128).fill(-1)
  #wideClasses = new Map<number, number>()
  #classBySignature = new Map<string, number>()
  /** One character of each class stands for all. */
  #representatives: number[] = []
  #states = new Map<string, State>()
  #steps = 0
  readonly #marks: Uint32Array
  #mark = 0

  constructor(code: readonly Instruction[]) {
    this.#code = code
    this.#marks = new Uint32Array(code.length)
    this.#caresForWords = code.some((i) => i.anchor === 'word' || i.anchor === 'notWord')
    const seen = new Set<unknown>()
    code.forEach((instruction, pc) => {
      if (instruction.op !== Op.set || seen.has(instruction.set)) return
      seen.add(instruction.set)
      this.#sets.push({ pc, instruction })
    })
  }

  /** Whether the pattern is found anywhere in the text. */
  test(text: string): boolean {
    this.#steps = STEP_BUDGET + text.length * STEPS_PER_CHARACTER
    let state = this.#state([0], -1)
    for (let i = 0; i < text.length; i++) {
      if (state.accepts) return true
      let c = text.charCodeAt(i)
      let last = i === text.length - 1
      if (c >= 0xd800 && c <= 0xdbff && !last) {
        c = text.codePointAt(i) as number
        if (c > 0xffff) last = ++i === text.length - 1
      }
      const of = c === 10 && last ? 0 : this.#classOf(c)
      state = state.next[of] ?? this.#advance(state, of, c, last)
    }
    return state.accepts || this.#acceptsAtEnd(state)
  }

  /** Class 0 is the newline that ends the text; the others are found by what tells characters apart. */
  #classOf(c: number): number {
    const known = c < 128 ? (this.#asciiClasses[c] as number) : (this.#wideClasses.get(c) ?? -1)
    if (known !== -1) return known
    let signature = c === 10 ? 'n' : ''
    if (this.#caresForWords) signature += isWord(c, true) ? 'a' : isWord(c, false) ? 'u' : '-'
    for (const { instruction } of this.#sets) signature += instruction.set && setHas(instruction.set, c) ? '1' : '0'
    let of = this.#classBySignature.get(signature)
    if (of === undefined) {
      of = this.#representatives.push(c)
      this.#classBySignature.set(signature, of)
    }
    if (c < 128) this.#asciiClasses[c] = of
    else {
      if (this.#wideClasses.size >= MAX_WIDE_CLASSES) this.#wideClasses = new Map()
      this.#wideClasses.set(c, of)
    }
    return of
  }

  #state(pcs: readonly number[], previous: number): State {
    const key = `${previous}:${pcs.join(',')}`
    const known = this.#states.get(key)
    if (known !== undefined) return known
    if (this.#states.size >= MAX_STATES) this.#states = new Map()
    const state: State = { pcs, previous, next: [], accepts: false, acceptsAtEnd: undefined }
    this.#states.set(key, state)
    return state
  }

  #advance(state: State, of: number, c: number, last: boolean): State {
    const reached: number[] = []
    const matched = this.#closure(state, c, last, (pc) => reached.push(pc))
    const next: number[] = []
    this.#mark++
    for (const pc of reached) {
      const { set } = this.#code[pc] as Instruction
      if (set !== undefined && setHas(set, c) && this.#marks[pc + 1] !== this.#mark) {
        this.#marks[pc + 1] = this.#mark
        next.push(pc + 1)
      }
    }
    // A search may begin at every character.
    if (this.#marks[0] !== this.#mark) next.push(0)
    next.sort((a, b) => a - b)
    const after = matched ? this.#state([], -3) : this.#state(next, this.#context(c))
    if (matched) after.accepts = true
    state.next[of] = after
    return after
  }

  /** What of a character the anchors after it can tell: newline, word in either sense, or nothing. */
  #context(c: number): number {
    if (c === 10) return 10
    if (!this.#caresForWords) return 32
    return isWord(c, true) ? 97 : isWord(c, false) ? 0xe9 : 32
  }

  #acceptsAtEnd(state: State): boolean {
    state.acceptsAtEnd ??= this.#closure(state, -1, false, () => {})
    return state.acceptsAtEnd
  }

  /** Follow all that consumes nothing. True when the end of the pattern is reached. */
  #closure(state: State, next: number, last: boolean, reach: (pc: number) => void): boolean {
    this.#mark++
    const stack = [...state.pcs]
    while (stack.length > 0) {
      const pc = stack.pop() as number
      if (this.#marks[pc] === this.#mark) continue
      this.#marks[pc] = this.#mark
      if (--this.#steps < 0) throw new PatternLimitError('the pattern asks for too much work on this text')
      const i = this.#code[pc] as Instruction
      switch (i.op) {
        case Op.match:
          return true
        case Op.set:
          reach(pc)
          break
        case Op.split:
          stack.push(i.y, i.x)
          break
        case Op.jump:
          stack.push(i.x)
          break
        case Op.anchor:
          if (i.anchor && anchorHolds(i.anchor, i.ascii === true, state.previous, next, last)) stack.push(pc + 1)
          break
        default:
          stack.push(pc + 1)
      }
    }
    return false
  }
}

/** Where a pattern was found: from `start` up to, not including, `end`. */
export interface Span {
  readonly start: number
  readonly end: number
}

/**
 * The first match at or after `from`, as Python's engine would choose it: the leftmost, and of those the one its order of
 * alternatives prefers. Simulates all ways in step (Pike's method), so it is linear in the text.
 *
 * @param mustAdvance no empty match at `from` itself
 */
export function findLinear(
  code: readonly Instruction[],
  text: string,
  from: number,
  mustAdvance: boolean,
  budget: { steps: number },
): Span | null {
  let threads: { pc: number; start: number }[] = []
  let found: Span | null = null
  const marks = new Uint32Array(code.length)
  let mark = 0
  for (let at = from; ; ) {
    const c = at < text.length ? (text.codePointAt(at) as number) : -1
    const size = c > 0xffff ? 2 : 1
    const previous = before(text, at)
    const last = at + size === text.length
    const next: { pc: number; start: number }[] = []
    mark++
    if (found === null) threads.push({ pc: 0, start: at })
    for (const thread of threads) {
      const stack = [thread.pc]
      let matched = false
      while (stack.length > 0 && !matched) {
        const pc = stack.pop() as number
        if (marks[pc] === mark) continue
        marks[pc] = mark
        if (--budget.steps < 0) throw new PatternLimitError('the pattern asks for too much work on this text')
        const i = code[pc] as Instruction
        switch (i.op) {
          case Op.match:
            if (mustAdvance && at === from) break
            found = { start: thread.start, end: at }
            matched = true
            break
          case Op.set:
            if (c !== -1 && i.set && setHas(i.set, c)) next.push({ pc: pc + 1, start: thread.start })
            break
          case Op.split:
            stack.push(i.y, i.x)
            break
          case Op.jump:
            stack.push(i.x)
            break
          case Op.anchor:
            if (i.anchor && anchorHolds(i.anchor, i.ascii === true, previous, c, last)) stack.push(pc + 1)
            break
          default:
            stack.push(pc + 1)
        }
      }
      if (matched) break
    }
    threads = next
    if (c === -1 || (threads.length === 0 && found !== null)) return found
    at += size
  }
}
