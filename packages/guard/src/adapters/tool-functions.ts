/** Plain functions by the names of their tools, for frameworks and loops in which the program itself makes the calls. */
export type ToolFunction = (args: never, context: { readonly signal?: AbortSignal }) => unknown
export type ToolFunctions = Readonly<Record<string, ToolFunction>>

/** Arguments as models write them. Undefined for what is not JSON. */
export function parsedArguments(text: string): unknown {
  // A model that has no arguments to give may send nothing.
  if (text.trim() === '') return {}
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

export const INVALID_ARGUMENTS = 'DENIED: The arguments are not valid JSON, so the call did not run.'

export const unknownTool = (name: string) => `Error: There is no tool '${name}'.`
