/** What the name of an argument says about its value, whatever the case style: `filePath`, `FILE_PATH`, `file-path`. */

/** The words of a name in small letters. */
export function wordsOf(key: string): readonly string[] {
  return key
    .replace(/(\p{Ll}|\p{N})(\p{Lu})/gu, '$1 $2')
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '')
}

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '))

const PATH_WORDS = words('path file filename dir directory cwd root folder destination src dst')
const PATH_PLURALS = words('paths files filenames dirs directories roots folders destinations')

/** Names whose value is a path only beside another path. */
const COMPANIONS = words('source from to target output')

/** What stands before a path word in a compound that is written as one: `filepath`, `workdir`, `outfile`. */
const FRONTS =
  'abs absolute archive backup base bin build cache cert cfg config csv current dest dir dist doc docker download dst env file folder full home image in input json key lib local lock log make new old out output parent pid project read real rel relative remote repo root save script source src sub target temp tmp upload user venv work working workspace write yaml zip'.split(
    ' ',
  )
const COMPOUNDS: ReadonlySet<string> = new Set(
  FRONTS.flatMap((front) => [...PATH_WORDS, ...PATH_PLURALS].map((word) => front + word)),
)

/** Names, as a whole, of text that reaches nothing. */
const CONTENT = words(
  'pattern query regex regexp xpath selector css sql search replace replacement find format separator delimiter template old new old_str new_str old_string new_string',
)
/** Last words of such names. */
const CONTENT_WORDS = words(
  'content contents text texts body message messages description comment comments prompt prompts instruction instructions markdown html code snippet title subject summary reason string strings note notes question answer label caption diff patch',
)

const URL_WORDS = words('url uri href host hostname endpoint origin urls uris hrefs hosts hostnames endpoints origins')
const COMMANDS = words('command cmd script')

export interface KeyMeaning {
  readonly isPath: boolean
  readonly isCompanion: boolean
  readonly isContent: boolean
  readonly isUrl: boolean
  readonly isCommand: boolean
}

export const MEANS_NOTHING: KeyMeaning = {
  isPath: false,
  isCompanion: false,
  isContent: false,
  isUrl: false,
  isCommand: false,
}

/** Names come from outside; beyond this many they are read anew each time. */
const MAX_KNOWN = 500
const known = new Map<string, KeyMeaning>()

export function meaningOf(key: string): KeyMeaning {
  const before = known.get(key)
  if (before !== undefined) return before
  const meaning = read(key)
  if (known.size < MAX_KNOWN) known.set(key, meaning)
  return meaning
}

function read(key: string): KeyMeaning {
  const parts = wordsOf(key)
  const last = parts.at(-1)
  if (last === undefined) return MEANS_NOTHING
  const isPath = [last, `${parts.at(-2)}${last}`].some(
    (word) => PATH_WORDS.has(word) || PATH_PLURALS.has(word) || COMPOUNDS.has(word),
  )
  return {
    isPath,
    isCompanion: COMPANIONS.has(parts.join('_')),
    isContent: !isPath && (CONTENT.has(parts.join('_')) || CONTENT_WORDS.has(last)),
    isUrl: URL_WORDS.has(last),
    isCommand: COMMANDS.has(parts.join('_')),
  }
}

/** Members of an object under the name of a path that are that path: `files: [{name, content}]`. */
export const NAMED_IN_PATH: ReadonlySet<string> = new Set(['name', 'value', 'pathname'])

const COUNTING = words('max min num number count total limit per depth size n')

/** Whether a number under such a name of paths is how many of them: `max_files`, `files`, `lines_per_file`. */
export function countsThings(key: string): boolean {
  const parts = wordsOf(key)
  return PATH_PLURALS.has(parts.at(-1) ?? '') || parts.some((part) => COUNTING.has(part))
}
