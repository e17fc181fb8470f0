import { LONGEST_MANIFEST, WorkflowManifest, WorkflowManifestError } from '@lictor/aegis'
import type { InputProblem } from '../../errors.ts'
import { loadTemplateCheck } from '../templates/check.ts'
import { refusal } from '../visibility.ts'

/** What a body asks to be registered. */
export interface Registration {
  readonly manifest: WorkflowManifest
  /** What is kept as its text: block YAML, as it was sent where it was. */
  readonly yaml: string
  /** Said in the body; null where it says nothing. */
  readonly force: boolean | null
  readonly scope: string | null
}

/** A workflow that cannot be registered, and every reason. */
export class NotRegistrable extends Error {
  override readonly name = 'NotRegistrable'
  /** In the words of the API, without their beginning. */
  readonly reason: string
  readonly problems: readonly InputProblem[]
  constructor(reason: string, problems: readonly InputProblem[] = []) {
    super(reason)
    this.reason = reason
    this.problems = problems
  }

  /** As it is answered. */
  refusal() {
    const { reason, problems } = this
    return refusal(400, `Failed to register workflow: ${reason}`, { problems })
  }
}

/**
 * Read a body: a manifest as YAML or JSON, or `{name, definition, version?, description?, labels?, scope?, force?}`, where the
 * definition is a manifest, its `spec`, or YAML of either.
 * @throws NotRegistrable
 */
export async function readRegistration(text: string): Promise<Registration> {
  const templates = await loadTemplateCheck()
  if (text.length > LONGEST_MANIFEST)
    throw new NotRegistrable(`The body has ${text.length} characters; at most ${LONGEST_MANIFEST} are read`)
  const dict = dictOf(text)
  try {
    if (dict === null) {
      const manifest = WorkflowManifest.parse(text, { templates })
      return { manifest, yaml: isFlow(text) ? manifest.toYaml() : text, force: null, scope: null }
    }
    const { definition } = dict
    const metadata = Object.fromEntries(
      ['name', 'version', 'description', 'labels'].flatMap((key) =>
        dict[key] === undefined || dict[key] === null ? [] : [[key, dict[key]]],
      ),
    )
    const manifest =
      typeof definition === 'string'
        ? WorkflowManifest.parse(definition, { metadata, templates })
        : WorkflowManifest.from(definition, { metadata, templates })
    return {
      manifest,
      yaml: manifest.toYaml(),
      force: typeof dict.force === 'boolean' ? dict.force : null,
      scope: typeof dict.scope === 'string' ? dict.scope : null,
    }
  } catch (error) {
    if (!(error instanceof WorkflowManifestError)) throw error
    throw new NotRegistrable(error.refusal, error.issues.map(problemOf))
  }
}

const isFlow = (text: string): boolean => text.trimStart().startsWith('{')

/** The object that clients of the first generation send; null for a manifest. */
function dictOf(text: string): Record<string, unknown> | null {
  if (!isFlow(text)) return null
  try {
    const value: unknown = JSON.parse(text)
    const isDict = typeof value === 'object' && value !== null && 'definition' in value && !('spec' in value)
    return isDict ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

/** A problem of a manifest as answers tell it. */
export function problemOf({ path, message, line, column }: WorkflowManifestError['issues'][number]): InputProblem {
  return {
    loc: ['body', ...path.split('.').filter(Boolean)],
    msg: message,
    path,
    ...(line === undefined ? {} : { line }),
    ...(column === undefined ? {} : { column }),
  }
}
