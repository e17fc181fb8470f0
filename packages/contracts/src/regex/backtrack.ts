import type { Span } from './automaton.ts'
import { caseVariants, setHas } from './chars.ts'
import { anchorHolds, before, type Instruction, Op, PatternLimitError } from './program.ts'

/**
 * Python's way of matching, for what only backtracking can do: references, look-around, conditionals, atomic groups. Every
 * step is counted, so a pattern that runs away is refused instead of blocking.
 *
 * @param budget steps left, shared by all searches of one evaluation
 * @param mustAdvance no empty match at `from` itself
 * @throws {PatternLimitError} when the steps are used up
 */
export function findBacktracking(
  code: readonly Instruction[],
  text: string,
  from: number,
  mustAdvance: boolean,
  budget: { steps: number },
): Span | null {
  const machine = new Machine(code, text, budget)
  for (let at = from; at <= text.length; ) {
    machine.reset()
    const end = machine.run(0, at, mustAdvance && at === from ? from : -1)
    if (end !== -1) return { start: at, end }
    at += at < text.length && (text.codePointAt(at) as number) > 0xffff ? 2 : 1
  }
  return null
}

const RESTORE = -1

class Machine {
  readonly #code: readonly Instruction[]
  readonly #text: string
  readonly #budget: { steps: number }
  /** Group borders at even and odd slots; -1 while unset. */
  #slots: number[] = []
  /** Where each unbounded repeat began its current turn. */
  #turns: number[] = []

  constructor(code: readonly Instruction[], text: string, budget: { steps: number }) {
    this.#code = code
    this.#text = text
    this.#budget = budget
  }

  reset(): void {
    this.#slots = []
    this.#turns = []
  }

  /** Match from an instruction to the end of its scope. The end of the match, or -1; on failure the groups are as before. */
  run(startPc: number, startAt: number, forbiddenEnd: number): number {
    const text = this.#text
    // Entries to come back to: (pc, at), or to undo: (slot or turn, old value, RESTORE) by sign of the first.
    const stack: number[] = []
    let pc = startPc
    let at = startAt
    for (;;) {
      if (--this.#budget.steps < 0) throw new PatternLimitError('the pattern asks for too much work on this text')
      const i = this.#code[pc] as Instruction
      let failed = false
      switch (i.op) {
        case Op.match:
          if (at !== forbiddenEnd) return at
          failed = true
          break
        case Op.set: {
          const c = at < text.length ? (text.codePointAt(at) as number) : -1
          if (c !== -1 && i.set && setHas(i.set, c)) {
            at += c > 0xffff ? 2 : 1
            pc++
          } else failed = true
          break
        }
        case Op.split:
          stack.push(at, i.y)
          pc = i.x
          break
        case Op.jump:
          pc = i.x
          break
        case Op.anchor: {
          const c = at < text.length ? (text.codePointAt(at) as number) : -1
          const last = at + (c > 0xffff ? 2 : 1) === text.length
          if (i.anchor && anchorHolds(i.anchor, i.ascii === true, before(text, at), c, last)) pc++
          else failed = true
          break
        }
        case Op.save:
          stack.push(this.#slots[i.x] ?? -1, i.x, RESTORE)
          this.#slots[i.x] = at
          pc++
          break
        case Op.loopStart:
          stack.push(this.#turns[i.x] ?? -1, -2 - i.x, RESTORE)
          this.#turns[i.x] = at
          pc++
          break
        case Op.loopCheck:
          // A turn that matched nothing ends the repeat: skip the jump back.
          pc += this.#turns[i.x] === at ? 2 : 1
          break
        case Op.look: {
          this.#budget.steps -= this.#slots.length
          const saved = this.#slots.slice()
          const turns = this.#turns.slice()
          const begin = i.y === -1 ? at : stepBack(text, at, i.y)
          const holds = begin !== -1 && this.run(pc + 1, begin, -1) !== -1
          this.#turns = turns
          if (!holds || i.negated) this.#slots = saved
          else this.#undoable(stack, saved)
          if (holds !== (i.negated === true)) pc = i.x
          else failed = true
          break
        }
        case Op.atomic: {
          this.#budget.steps -= this.#slots.length
          const saved = this.#slots.slice()
          const turns = this.#turns.slice()
          const end = this.run(pc + 1, at, -1)
          this.#turns = turns
          if (end === -1) {
            this.#slots = saved
            failed = true
          } else {
            this.#undoable(stack, saved)
            at = end
            pc = i.x
          }
          break
        }
        case Op.conditional:
          pc = this.#groupIsSet(i.y) ? pc + 1 : i.x
          break
        case Op.reference: {
          const end = this.#reference(i, at)
          if (end === -1) failed = true
          else {
            at = end
            pc++
          }
          break
        }
      }
      if (!failed) continue
      for (;;) {
        if (stack.length === 0) return -1
        const top = stack.pop() as number
        if (top !== RESTORE) {
          pc = top
          at = stack.pop() as number
          break
        }
        const target = stack.pop() as number
        const value = stack.pop() as number
        if (target >= 0) this.#slots[target] = value
        else this.#turns[-2 - target] = value
      }
    }
  }

  /** Note on the stack which slots a sub-match changed, so that going back behind it restores them. */
  #undoable(stack: number[], saved: readonly number[]): void {
    for (let slot = 0; slot < this.#slots.length; slot++) {
      const old = saved[slot] ?? -1
      if ((this.#slots[slot] ?? -1) !== old) stack.push(old, slot, RESTORE)
    }
  }

  #groupIsSet(group: number): boolean {
    return (this.#slots[group * 2] ?? -1) !== -1 && (this.#slots[group * 2 + 1] ?? -1) !== -1
  }

  /** A reference to a group that took no part matches nothing, not the empty text: Python, unlike JavaScript. */
  #reference(i: Instruction, at: number): number {
    if (!this.#groupIsSet(i.x)) return -1
    const text = this.#text
    const start = this.#slots[i.x * 2] as number
    const end = this.#slots[i.x * 2 + 1] as number
    const wanted = text.slice(start, end)
    this.#budget.steps -= wanted.length
    if (text.startsWith(wanted, at)) return at + wanted.length
    if (!i.ignoreCase) return -1
    let here = at
    for (const char of wanted) {
      const c = here < text.length ? (text.codePointAt(here) as number) : -1
      if (c === -1 || !caseVariants(char.codePointAt(0) as number, i.ascii === true).includes(c)) return -1
      here += c > 0xffff ? 2 : 1
    }
    return here
  }
}

function stepBack(text: string, at: number, count: number): number {
  let here = at
  for (let i = 0; i < count; i++) {
    if (here === 0) return -1
    here -= before(text, here) > 0xffff ? 2 : 1
  }
  return here
}
