const token =
  /[\s]*(?:("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)|([[\]{},:]))/y

/** What may come next: a value, a key, a colon, or what follows a value. */
type Expectation = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | 'after'

/**
 * Where a text stops being JSON, counted in characters from 0; its length when it only breaks off. Engines tell
 * that in words of their own, and for short texts not at all.
 */
export function jsonFaultAt(text: string): number {
  const open: ('{' | '[')[] = []
  let expects: Expectation = 'value'
  for (let at = 0; ; ) {
    token.lastIndex = at
    const found = token.exec(text)
    if (!found) return text.length - text.slice(at).trimStart().length
    const [whole, string, scalar, mark] = found
    const begins = token.lastIndex - whole.trimStart().length
    const next = follow(expects, string !== undefined ? 'string' : scalar !== undefined ? 'scalar' : (mark ?? ''), open)
    if (next === null) return begins
    expects = next
    at = token.lastIndex
  }
}

/** What is expected after a token; null when it may not stand here. `open` is kept up to date. */
function follow(expects: Expectation, found: string, open: ('{' | '[')[]): Expectation | null {
  switch (expects) {
    case 'key or }':
      if (found === '}') return close(open)
      return found === 'string' ? ':' : null
    case 'key':
      return found === 'string' ? ':' : null
    case ':':
      return found === ':' ? 'value' : null
    case 'after':
      if (found === ',' && open.length > 0) return open.at(-1) === '{' ? 'key' : 'value'
      return (found === '}' && open.at(-1) === '{') || (found === ']' && open.at(-1) === '[') ? close(open) : null
    default:
      if (found === ']' && expects === 'value or ]') return close(open)
      if (found === 'string' || found === 'scalar') return 'after'
      if (found !== '{' && found !== '[') return null
      open.push(found)
      return found === '{' ? 'key or }' : 'value or ]'
  }
}

function close(open: ('{' | '[')[]): Expectation {
  open.pop()
  return 'after'
}
