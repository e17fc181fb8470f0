/** What Node has and TypeScript's libraries do not name yet. */
const { rawJSON } = JSON as JSON & { rawJSON(text: string): unknown }

/** A value as JSON, with big integers as the numbers they are. */
export function writeJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? rawJSON(String(each)) : each), indent)
}
