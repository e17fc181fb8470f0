import { createHash } from 'node:crypto'

/** What is learned about: an error, without what differs each time it comes. */
export interface ErrorSignature {
  readonly hash: string
  /** The name of the error where its text begins with one, such as `TypeError`; else `general`. */
  readonly type: string
}

const LONGEST = 4_096

/** Two texts of one error have one signature: numbers, quoted names, paths, ids and hexadecimal are left out. */
export function signatureOf(message: string): ErrorSignature {
  const text = message.slice(0, LONGEST)
  const type = /\b([A-Z][A-Za-z]{1,60}(?:Error|Exception|Warning|Failure))\b/.exec(text)?.[1] ?? 'general'
  const kept = text
    .toLowerCase()
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '#')
    .replace(/"[^"\n]{0,200}"|'[^'\n]{0,200}'|`[^`\n]{0,200}`/g, '#')
    .replace(/(?:\/[\w.-]{1,100})+/g, '#')
    .replace(/\b0x[0-9a-f]+\b|\b[0-9a-f]{16,}\b|\d+(?:\.\d+)?/g, '#')
    .replace(/\s+/g, ' ')
    .trim()
  return { hash: digest(`${type}\n${kept}`), type }
}

/** Of a task: its words, whatever their case and spacing. */
export const taskSignature = (task: string): string => digest(task.toLowerCase().replace(/\s+/g, ' ').trim())

/** Of the steps by which it was done: their names in their order. */
export const stepsSignature = (names: readonly string[]): string => digest(JSON.stringify(names))

const digest = (text: string): string => createHash('sha256').update(text).digest('hex')
