/** Smaller forms of a tree, the most drastic first: parts left out, then parts made simpler. */
export function* smaller(tree: unknown): Generator<unknown> {
  if (typeof tree === 'string') {
    const characters = [...tree]
    if (characters.length > 3) {
      const half = Math.ceil(characters.length / 2)
      yield characters.slice(0, half).join('')
      yield characters.slice(half).join('')
    }
    if (characters.length <= 60) {
      for (let index = 0; index < characters.length; index++) yield characters.toSpliced(index, 1).join('')
    }
  } else if (Array.isArray(tree)) {
    for (let index = 0; index < tree.length; index++) yield tree.toSpliced(index, 1)
    for (const [index, item] of tree.entries()) for (const part of smaller(item)) yield tree.with(index, part)
  } else if (typeof tree === 'object' && tree !== null && Object.getPrototypeOf(tree) === Object.prototype) {
    const entries = Object.entries(tree)
    for (const [name] of entries) yield Object.fromEntries(entries.filter(([other]) => other !== name))
    for (const [name, item] of entries) {
      // What `all`, `any` and `not` hold may stand in their place.
      if (['all', 'any', 'not'].includes(name)) yield* Array.isArray(item) ? item : [item]
      for (const part of smaller(item)) yield { ...tree, [name]: part }
    }
  }
}

/**
 * The smallest form that still shows what `shows` looks for. At most `attempts` forms are tried, so that one finding does not
 * hold up a run.
 */
export async function shrink<T>(tree: T, shows: (candidate: T) => Promise<boolean>, attempts = 40): Promise<T> {
  let best = tree
  let left = attempts
  for (let improved = true; improved && left > 0; ) {
    improved = false
    for (const candidate of smaller(best) as Iterable<T>) {
      if (left-- <= 0) break
      if (!(await shows(candidate))) continue
      best = candidate
      improved = true
      break
    }
  }
  return best
}
