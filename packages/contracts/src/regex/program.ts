import type { Anchor, Node } from './ast.ts'
import { type CharSet, isWord } from './chars.ts'

/** What the automaton and the bounded backtracker run. `x` and `y` are targets or indexes, by operation. */
export const Op = {
  set: 0,
  split: 1,
  jump: 2,
  anchor: 3,
  match: 4,
  save: 5,
  look: 6,
  reference: 7,
  atomic: 8,
  conditional: 9,
  loopStart: 10,
  loopCheck: 11,
} as const

export interface Instruction {
  readonly op: (typeof Op)[keyof typeof Op]
  /** split: preferred target; jump: target; look, atomic: first instruction after the body; save, reference: slot or group; conditional: target if unset. */
  x: number
  /** split: other target; look: width of a look-behind, -1 for a look-ahead. */
  y: number
  readonly set?: CharSet
  readonly anchor?: Anchor
  readonly ascii?: boolean
  readonly negated?: boolean
  readonly ignoreCase?: boolean
}

/** Repeats are written out; a pattern that grows beyond this is refused at evaluation, which denies. */
export const MAX_PROGRAM = 30_000

/** Thrown when a pattern asks for more work than one decision may cost. A policy error: it denies. */
export class PatternLimitError extends Error {
  override readonly name = 'PatternLimitError'
}

export function assemble(root: Node): readonly Instruction[] {
  const code: Instruction[] = []
  let registers = 0

  const emit = (instruction: Instruction): Instruction => {
    if (code.length >= MAX_PROGRAM) throw new PatternLimitError('the pattern is too large to be evaluated')
    code.push(instruction)
    return instruction
  }
  const split = (lazy: boolean): { enter: (at: number) => void; leave: (at: number) => void } => {
    const made = emit({ op: Op.split, x: 0, y: 0 })
    const set = (key: 'x' | 'y') => (at: number) => {
      made[key] = at
    }
    return lazy ? { enter: set('y'), leave: set('x') } : { enter: set('x'), leave: set('y') }
  }

  const write = (node: Node): void => {
    switch (node.type) {
      case 'set':
        emit({ op: Op.set, x: 0, y: 0, set: node.set })
        return
      case 'anchor':
        emit({ op: Op.anchor, x: 0, y: 0, anchor: node.anchor, ascii: node.ascii })
        return
      case 'sequence':
        for (const item of node.items) write(item)
        return
      case 'choice': {
        const ends: Instruction[] = []
        node.items.forEach((item, i) => {
          if (i === node.items.length - 1) {
            write(item)
            return
          }
          const fork = split(false)
          fork.enter(code.length)
          write(item)
          ends.push(emit({ op: Op.jump, x: 0, y: 0 }))
          fork.leave(code.length)
        })
        for (const end of ends) end.x = code.length
        return
      }
      case 'repeat':
        if (node.manner === 'possessive') writeScoped(Op.atomic, { ...node, manner: 'greedy' })
        else writeRepeat(node)
        return
      case 'group':
        emit({ op: Op.save, x: node.index * 2, y: 0 })
        write(node.body)
        emit({ op: Op.save, x: node.index * 2 + 1, y: 0 })
        return
      case 'atomic':
        writeScoped(Op.atomic, node.body)
        return
      case 'look':
        writeScoped(Op.look, node.body, { y: node.ahead ? -1 : node.width, negated: node.negated })
        return
      case 'reference':
        emit({ op: Op.reference, x: node.group, y: 0, ignoreCase: node.ignoreCase, ascii: node.ascii })
        return
      case 'conditional': {
        const test = emit({ op: Op.conditional, x: 0, y: node.group })
        write(node.yes)
        const skip = emit({ op: Op.jump, x: 0, y: 0 })
        test.x = code.length
        write(node.no)
        skip.x = code.length
        return
      }
    }
  }

  const writeScoped = (op: typeof Op.atomic | typeof Op.look, body: Node, rest: Partial<Instruction> = {}): void => {
    const scope = emit({ op, x: 0, y: 0, ...rest })
    write(body)
    emit({ op: Op.match, x: 0, y: 0 })
    scope.x = code.length
  }

  const writeRepeat = (node: Node & { type: 'repeat' }): void => {
    const lazy = node.manner === 'lazy'
    for (let i = 0; i < node.min; i++) {
      const before = code.length
      write(node.body)
      if (code.length === before) return
    }
    if (node.max === Number.POSITIVE_INFINITY) {
      const start = code.length
      const fork = split(lazy)
      fork.enter(code.length)
      const register = registers++
      emit({ op: Op.loopStart, x: register, y: 0 })
      write(node.body)
      emit({ op: Op.loopCheck, x: register, y: 0 })
      emit({ op: Op.jump, x: start, y: 0 })
      fork.leave(code.length)
      return
    }
    const forks: ReturnType<typeof split>[] = []
    for (let i = node.min; i < node.max; i++) {
      const fork = split(lazy)
      fork.enter(code.length)
      forks.push(fork)
      const before = code.length
      write(node.body)
      if (code.length === before) break
    }
    for (const fork of forks) fork.leave(code.length)
  }

  write(root)
  emit({ op: Op.match, x: 0, y: 0 })
  return code
}

/** The character before a position, as anchors see it; -1 at the start of the text. */
export function before(text: string, at: number): number {
  if (at === 0) return -1
  const low = text.charCodeAt(at - 1)
  if (low >= 0xdc00 && low <= 0xdfff && at > 1) {
    const high = text.charCodeAt(at - 2)
    if (high >= 0xd800 && high <= 0xdbff) return text.codePointAt(at - 2) as number
  }
  return low
}

/** Whether the anchor holds between the characters `previous` and `next` (-1: none). */
export function anchorHolds(
  anchor: Anchor,
  ascii: boolean,
  previous: number,
  next: number,
  nextIsLast: boolean,
): boolean {
  switch (anchor) {
    case 'textStart':
      return previous === -1
    case 'lineStart':
      return previous === -1 || previous === 10
    case 'textEnd':
      return next === -1
    case 'lineEnd':
      return next === -1 || next === 10
    case 'finalEnd':
      return next === -1 || (next === 10 && nextIsLast)
    case 'word':
      return wordAt(previous, ascii) !== wordAt(next, ascii)
    case 'notWord':
      // In an empty text there is no place between characters at all, as Python sees it.
      return wordAt(previous, ascii) === wordAt(next, ascii) && (previous !== -1 || next !== -1)
  }
}

function wordAt(c: number, ascii: boolean): boolean {
  return c !== -1 && isWord(c, ascii)
}
