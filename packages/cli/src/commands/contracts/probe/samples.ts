/** Texts that a glob or a regular expression probably accepts. Guesses: whoever probes with them looks at what comes of it. */

/** Names a glob matches: each `*` as nothing and as one letter, `?` and classes as a member. */
export function sampleGlob(glob: string): readonly string[] {
  const plain = glob.replace(/\[!?\]?([^\]])[^\]]*\]/g, '$1').replaceAll('?', 'x')
  if (!plain.includes('*')) return [plain]
  return [...new Set([plain.replaceAll('*', 'x'), plain.replaceAll('*', '')])].filter((name) => name !== '')
}

const MAX_SAMPLES = 8
/** Repetitions within repetitions would grow without end. */
const LONGEST_SAMPLE = 2000

/** Texts that a Python pattern probably finds something in: each alternative once, repetitions as few as allowed. */
export function samplePattern(pattern: string): readonly string[] {
  const reader = new PatternReader(pattern)
  return [...new Set(reader.alternatives())].slice(0, MAX_SAMPLES)
}

const ESCAPES: Readonly<Record<string, string>> = {
  d: '1',
  D: 'a',
  w: 'a',
  W: ' ',
  s: ' ',
  S: 'a',
  b: '',
  B: '',
  A: '',
  Z: '',
  n: '\n',
  r: '\r',
  t: '\t',
}

class PatternReader {
  readonly #text: string
  #at = 0

  constructor(pattern: string) {
    this.#text = pattern
  }

  alternatives(): string[] {
    const found: string[] = []
    for (;;) {
      found.push(...this.#sequence())
      if (this.#text[this.#at] !== '|') return found
      this.#at++
    }
  }

  #sequence(): string[] {
    let texts = ['']
    while (this.#at < this.#text.length && !'|)'.includes(this.#text.charAt(this.#at))) {
      const atoms = this.#quantified(this.#atom())
      texts = texts.flatMap((text) => atoms.map((atom) => (text + atom).slice(0, LONGEST_SAMPLE))).slice(0, MAX_SAMPLES)
    }
    return texts
  }

  #atom(): string[] {
    const character = this.#text.charAt(this.#at++)
    switch (character) {
      case '(':
        return this.#group()
      case '[':
        return [this.#class()]
      case '.':
        return ['x']
      case '^':
      case '$':
        return ['']
      case '\\':
        return [this.#escape()]
      default:
        return [character]
    }
  }

  #group(): string[] {
    const kind = /^\?(?:P<\w+>|<?[=!]|:|[aimsux-]+[:)]|#[^)]*|>)?/.exec(this.#text.slice(this.#at))?.[0] ?? ''
    this.#at += kind.length
    if (kind.endsWith(')')) return ['']
    const inside = this.alternatives()
    this.#at++
    // What stands in a look-around or a comment is not part of the text that is found.
    return /^\?(?:<?[=!]|#)/.test(kind) ? [''] : inside
  }

  #class(): string {
    const negated = this.#text[this.#at] === '^'
    if (negated) this.#at++
    const start = this.#at
    while (this.#at < this.#text.length && (this.#text[this.#at] !== ']' || this.#at === start))
      this.#at += this.#text[this.#at] === '\\' ? 2 : 1
    const members = this.#text.slice(start, this.#at++)
    if (negated) return ['x', '0', ' ', '~'].find((each) => !members.includes(each)) ?? 'x'
    return members.startsWith('\\') ? (ESCAPES[members.charAt(1)] ?? members.charAt(1)) : members.charAt(0)
  }

  #escape(): string {
    const character = this.#text.charAt(this.#at++)
    return ESCAPES[character] ?? character
  }

  #quantified(atoms: string[]): string[] {
    const quantifier = /^(?:[*+?]|\{(\d*)(?:,\d*)?\})[?+]?/.exec(this.#text.slice(this.#at))
    if (quantifier === null) return atoms
    this.#at += quantifier[0].length
    const least = quantifier[1] === undefined ? 1 : Math.min(Number(quantifier[1]) || 1, 64)
    const optional = quantifier[0].startsWith('*') || quantifier[0].startsWith('?')
    const repeated = atoms.map((atom) => atom.repeat(least).slice(0, LONGEST_SAMPLE))
    return optional ? ['', ...repeated] : repeated
  }
}
