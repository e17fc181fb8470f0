/** A `{selector}` in a message. */
export interface Placeholder {
  /** With its braces. */
  readonly written: string
  readonly selector: string
  /** Where it begins in the message. */
  readonly at: number
}

export function placeholdersOf(message: string): readonly Placeholder[] {
  return Array.from(message.matchAll(/\{([^}]+)\}/g), ({ 0: written, 1: selector = '', index }) => ({
    written,
    selector,
    at: index,
  }))
}
