/** Mappings some of whose keys are no text, such as `{true: x}`: no object of an argument has such a key. */
const marked = new WeakSet<object>()

export function markOtherKeys(literal: object): void {
  marked.add(literal)
}

/** Whether a literal of a bundle has keys that are no text, so that no argument can equal it. */
export function hasOtherKeys(literal: object): boolean {
  return marked.has(literal)
}
