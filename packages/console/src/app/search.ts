/** The address's value as text, or undefined. */
export const text = (value: unknown): string | undefined => (typeof value === 'string' && value ? value : undefined)

/** Search values arrive parsed: an id that looks like a number must stay text. */
export const scalar = (value: unknown): string | undefined => (typeof value === 'number' ? String(value) : text(value))
