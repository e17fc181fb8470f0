export type FoundJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problem: string }

/** The JSON that an output is or, where it has a fenced block, that stands in the first one. */
export function jsonIn(output: string): FoundJson {
  const fenced = /```[a-zA-Z0-9]*[^\S\n]*\n([\s\S]*?)```/.exec(output)
  try {
    return { ok: true, value: JSON.parse((fenced?.[1] ?? output).trim()) }
  } catch (error) {
    return { ok: false, problem: (error as Error).message }
  }
}
