import type { Node } from './ast.ts'
import { type CharSet, classSource } from './chars.ts'

/**
 * The pattern in JavaScript, for the `v` flag and no other: every set, anchor and case variant is spelled out, so nothing
 * depends on what JavaScript thinks `\w`, `.` or `$` mean. Null for what JavaScript cannot say
 * the same way: references, conditionals, atomic groups and possessive repeats.
 */
export function nativeSource(node: Node): string | null {
  switch (node.type) {
    case 'set':
      return setSource(node.set)
    case 'sequence': {
      let text = ''
      for (const item of node.items) {
        const part = nativeSource(item)
        if (part === null) return null
        text += item.type === 'choice' ? `(?:${part})` : part
      }
      return text
    }
    case 'choice': {
      const parts: string[] = []
      for (const item of node.items) {
        const part = nativeSource(item)
        if (part === null) return null
        parts.push(part)
      }
      return parts.join('|')
    }
    case 'repeat': {
      const body = nativeSource(node.body)
      if (body === null || node.manner === 'possessive') return null
      const lazy = node.manner === 'lazy' ? '?' : ''
      return `${node.body.type === 'set' ? body : `(?:${body})`}${countSource(node.min, node.max)}${lazy}`
    }
    case 'group': {
      const body = nativeSource(node.body)
      return body === null ? null : `(?:${body})`
    }
    case 'look': {
      const body = nativeSource(node.body)
      return body === null ? null : `(?${node.ahead ? '' : '<'}${node.negated ? '!' : '='}${body})`
    }
    case 'anchor':
      return anchorSource(node.anchor, node.ascii)
    case 'atomic':
    case 'reference':
    case 'conditional':
      return null
  }
}

function countSource(min: number, max: number): string {
  if (max === Number.POSITIVE_INFINITY) return min === 0 ? '*' : min === 1 ? '+' : `{${min},}`
  if (min === 0 && max === 1) return '?'
  return min === max ? `{${min}}` : `{${min},${max}}`
}

function anchorSource(anchor: (Node & { type: 'anchor' })['anchor'], ascii: boolean): string {
  switch (anchor) {
    case 'textStart':
      return '^'
    case 'textEnd':
      return '$'
    case 'finalEnd':
      return '(?=\\n?$)'
    case 'lineStart':
      return '(?:^|(?<=\\n))'
    case 'lineEnd':
      return '(?=\\n|$)'
    case 'word':
    case 'notWord': {
      const word = classSource({ name: 'w', ascii })
      return anchor === 'word'
        ? `(?:(?<=${word})(?!${word})|(?<!${word})(?=${word}))`
        : `(?:(?<=${word})(?=${word})|(?<!${word})(?!${word}|^$))`
    }
  }
}

function setSource(set: CharSet): string {
  const { ranges, classes, negated } = set
  if (ranges.length === 0 && classes.length === 0) return negated ? '[^]' : '[]'
  if (!negated && classes.length === 0 && ranges.length === 2 && ranges[0] === ranges[1]) {
    return charSource(ranges[0] as number)
  }
  let text = negated ? '[^' : '['
  for (let i = 0; i < ranges.length; i += 2) {
    const lo = ranges[i] as number
    const hi = ranges[i + 1] as number
    text += lo === hi ? charSource(lo) : `${charSource(lo)}-${charSource(hi)}`
  }
  for (const of of classes) text += classSource(of)
  return `${text}]`
}

function charSource(c: number): string {
  const isPlain = (c >= 48 && c <= 57) || (c >= 65 && c <= 90) || (c >= 97 && c <= 122) || c === 32
  return isPlain ? String.fromCharCode(c) : `\\u{${c.toString(16)}}`
}
