/** Where the guard says what nobody awaits: a swallowed callback error, a downgrade, a lost connection. */
export interface Logger {
  debug(message: string): void
  info(message: string): void
  warn(message: string): void
  error(message: string): void
}

const nothing = () => {}

/** Warnings and errors on stderr, the rest nowhere. */
export const consoleLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: (message) => console.warn(`edictum: ${message}`),
  error: (message) => console.error(`edictum: ${message}`),
}

export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing }

/** The text of whatever was thrown. */
export function errorText(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
