import { isNode, isScalar, LineCounter, type Node, parseAllDocuments, visit } from 'yaml'
import { formatPath, type Issue, type Path, type Reading } from '../shape/shape.ts'
import { ManifestError } from './errors.ts'

/** Where something stands in a text; both 1-based. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** A value together with what is known of the text it was read from. */
export interface Source {
  readonly value: unknown
  /** Position of the value at `path`, or of the nearest parent that exists. */
  position(path: Path): Position | undefined
  /** The characters a plain scalar was written with. */
  written(path: Path): string | undefined
}

const maxAliases = 100
/** Characters; the parser takes about a second for so many of the worst kind. */
export const LONGEST_MANIFEST = 262_144
/** Objects and lists in each other: what walks through a manifest goes no deeper. */
const MOST_LEVELS = 100

/** A source without text. @throws ManifestError `manifest_unreadable` for what is nested too deeply. */
export function valueSource(value: unknown): Source {
  if (!isShallow(value))
    throw new ManifestError('manifest_unreadable', [{ path: '', message: tooDeep, severity: 'error' }])
  return { value, position: () => undefined, written: () => undefined }
}

/**
 * Read one YAML or JSON document. Merge keys and at most 100 aliases are understood; unknown tags are ignored, so that
 * files of the Python SDK (which tags its enums) are readable.
 *
 * @throws ManifestError `manifest_unreadable` for broken text, duplicate keys, more than one document.
 */
export function readSource(text: string): Source {
  const lines = new LineCounter()
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const unreadable = (message: string, position: Position = { line: 1, column: 1 }): ManifestError =>
    new ManifestError('manifest_unreadable', [{ path: '', message, severity: 'error', ...position } satisfies Issue])

  if (text.length > LONGEST_MANIFEST)
    throw unreadable(`the manifest has ${text.length} characters; at most ${LONGEST_MANIFEST} are read`)
  let documents: ReturnType<typeof parseAllDocuments>
  try {
    // Doubled keys are looked for below: the parser compares each key with every other, which takes minutes for a hostile text.
    const uniqueKeys = false
    documents = parseAllDocuments(text, {
      lineCounter: lines,
      merge: true,
      uniqueKeys,
      prettyErrors: false,
      logLevel: 'error',
    })
  } catch {
    throw unreadable(tooDeep)
  }
  const [document, second] = Array.isArray(documents) ? documents : []
  if (!document) throw unreadable('the manifest is empty')
  const problem = document.errors[0]
  if (problem && /call stack/.test(problem.message)) throw unreadable(tooDeep, at(problem.pos[0]))
  if (problem) throw unreadable(`not readable as YAML: ${problem.message}`, at(problem.pos[0]))
  const doubled = doubledKey(document.contents)
  if (doubled) throw unreadable('not readable as YAML: Map keys must be unique', at(doubled.range?.[0] ?? 0))
  if (second) {
    throw unreadable('the text holds more than one YAML document; deploy one at a time', at(second.range?.[0] ?? 0))
  }

  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: maxAliases })
  } catch (error) {
    throw unreadable(`not readable as YAML: ${(error as Error).message}`)
  }
  if (value === null || value === undefined) throw unreadable('the manifest is empty')
  if (!isShallow(value)) throw unreadable(tooDeep)

  const nodeAt = (path: Path): Node | undefined => {
    try {
      const node = path.length === 0 ? document.contents : document.getIn(path, true)
      return isNode(node) ? node : undefined
    } catch {
      return undefined
    }
  }
  return {
    value,
    position(path) {
      for (let length = path.length; length >= 0; length--) {
        const offset = nodeAt(path.slice(0, length))?.range?.[0]
        if (offset !== undefined) return at(offset)
      }
      return { line: 1, column: 1 }
    },
    written(path) {
      const node = nodeAt(path)
      return isScalar(node) && node.type === 'PLAIN' ? node.source : undefined
    },
  }
}

const tooDeep = `the manifest is nested more than ${MOST_LEVELS} levels deep`

/** Whether everything in a value can be walked through. */
function isShallow(value: unknown): boolean {
  const waiting: [unknown, number][] = [[value, 0]]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [one, depth] = next
    if (typeof one !== 'object' || one === null) continue
    if (depth >= MOST_LEVELS) return false
    for (const inner of Object.values(one)) waiting.push([inner, depth + 1])
  }
  return true
}

/** Of each severity. */
const MOST_ISSUES = 100

/** A reading of `source` and what it complains of. `origin` says where in the text stands what a reader finds at a path. */
export function readingOf(source: Source, origin: (path: Path) => Path): { issues: Issue[]; reading: Reading } {
  const issues: Issue[] = []
  const reading: Reading = {
    report: (path, message, severity = 'error') => {
      // Finding a place takes as long as the text is large: nobody reads the hundred-and-first complaint.
      if (issues.filter((issue) => issue.severity === severity).length >= MOST_ISSUES) return
      const from = origin(path)
      issues.push({ path: formatPath(from), message, severity, ...source.position(from) })
    },
    written: (path) => source.written(origin(path)),
  }
  return { issues, reading }
}

/** The first key that its mapping already has. */
function doubledKey(contents: Node | null): Node | undefined {
  let found: Node | undefined
  if (contents === null) return undefined
  visit(contents, {
    Map(_key, map) {
      const seen = new Set<unknown>()
      for (const { key } of map.items) {
        const name = isScalar(key) ? key.value : key
        if (name !== '<<' && seen.has(name) && isNode(key)) {
          found = key
          return visit.BREAK
        }
        seen.add(name)
      }
      return undefined
    },
  })
  return found
}
