import type { Case } from './case.ts'
import type { Comparison } from './compare.ts'
import { SECRETS } from './generate.ts'
import type { Disagreement, Event, Judged } from './outcome.ts'
import { written, YamlText } from './text.ts'

/** A row of the table in `docs/parity.md`. */
export interface Difference {
  readonly id: string
}

const ROW = /^\| `([a-z-]+)` \|/gm

/** The rows of the table. A row that the suite cannot recognise is a mistake of the table. */
export function readDifferences(markdown: string): readonly Difference[] {
  return [...markdown.matchAll(ROW)].map(([, id = '']) => {
    if (!Object.hasOwn(RECOGNISERS, id))
      throw new Error(`docs/parity.md names '${id}', which the suite cannot recognise.`)
    return { id }
  })
}

/** Whether a row explains one place where the two outcomes of a case differ. */
type Recogniser = (difference: Disagreement, one: Case, comparison: Comparison) => boolean

/** How each row is recognised. One that the table does not name is not used. */
export const RECOGNISERS: Readonly<Record<string, Recogniser>> = {
  // Python was given the numbers as JSON carries them, and what is left is explained by other rows or is nothing.
  'numbers-as-json': () => false,
  'error-detail': ({ at, python }) => at.endsWith('.error_detail') && python === undefined,
  'policy-error-message': ({ at, python, here }, _, { here: ours }) =>
    isText(python) &&
    /^Sandbox (?:(?:contract|rule) )?error: /.test(python) &&
    isText(here) &&
    ours.evaluate?.contracts?.some(({ policy_error, message }) => policy_error && message === here) === true &&
    /^(?:run\.value|asked\.\d+|audit\.\d+\.reason|evaluate\.(?:deny\.\d+|contracts\.\d+\.message))$/.test(at),
  'limit-wording': ({ at, python, here }, _, { here: ours }) =>
    isText(python) &&
    isText(here) &&
    limitSaid(python) !== null &&
    limitSaid(python) === limitSaid(here) &&
    LIMIT_SOURCES.includes(String(at === 'run.value' ? ours.run?.source : eventAt(at, ours.audit)?.source)),
  'command-not-text': (_, { call }, { python, here }) =>
    call.tool === 'Bash' &&
    Object.hasOwn(call.args, 'command') &&
    !isText(call.args.command) &&
    python.run?.value === 'AttributeError' &&
    python.evaluate?.broke === 'AttributeError' &&
    ['bash_command', 'max_attempts'].includes(here.audit?.[0]?.name ?? '') &&
    here.evaluate?.verdict === 'deny',
  'refused-at-load': (_, __, { python, here }) =>
    python.load === 'loaded' &&
    here.load === 'refused' &&
    here.because !== undefined &&
    REFUSED.some((pattern) => pattern.test(here.because as string)),
  'deny-before-ask': (difference, _, comparison) => deniedBeforeAsking(difference, comparison),
  'observed-session': ({ at }, { bundle }, { python, here }) => {
    if (at.startsWith('evaluate.')) return false
    const observed = bundle.contracts.flatMap(({ type, mode }, index) =>
      type === 'session' && (mode ?? bundle.mode) === 'observe' ? [`c${index}`] : [],
    )
    const says = ({ source, name }: { readonly source?: string | null; readonly name?: string | null }) =>
      LIMIT_SOURCES.includes(source ?? '') || observed.includes(name ?? '')
    return observed.length > 0 && [python.run ?? {}, ...(python.audit ?? []), ...(here.audit ?? [])].some(says)
  },
  'withheld-output': ({ at, here }, { bundle }, { here: ours }) =>
    /^run\.value$/.test(at) &&
    isText(here) &&
    here.startsWith('[OUTPUT SUPPRESSED] ') &&
    (ours.evaluate?.contracts ?? []).some(
      ({ id, policy_error, message }) =>
        policy_error &&
        here === `[OUTPUT SUPPRESSED] ${message}` &&
        bundle.contracts.some((contract, index) => `c${index}` === id && effectOf(contract) === 'redact'),
    ),
  'failed-output': ({ at, python, here }, { bundle, call }, { here: ours }) =>
    at === 'run.value' &&
    ours.run?.ended === 'failed' &&
    python === call.output &&
    isText(here) &&
    (ours.evaluate?.contracts ?? []).some(({ id, passed, message }) => {
      const effect = bundle.contracts.map(effectOf)[Number(id.slice(1))]
      if (passed) return false
      return effect === 'redact' ? here.includes('[REDACTED]') : here === `[OUTPUT SUPPRESSED] ${message}`
    }),
  secrets: ({ at, python, here }) =>
    isText(python) &&
    isText(here) &&
    /^(?:run\.value|asked\.\d+|audit\.\d+\.reason|evaluate\.(?:deny|warn)\.\d+|evaluate\.contracts\.\d+\.message)$/.test(
      at,
    ) &&
    SECRETS.reduce((text, secret) => text.replaceAll(secret, '[REDACTED]'), python) === here,
  'long-texts': ({ at }, one, comparison) => {
    const apart = contractsApart(comparison).filter((id) =>
      MATCHES.test(written(one.bundle.contracts[Number(id.slice(1))])),
    )
    return hasLongText(one.call) && followsFrom(at, comparison, apart)
  },
  'sandbox-reach': (difference, _, comparison) => followsFrom(difference.at, comparison, comparison.reaching),
  'path-not-text': (difference, { bundle, call }, comparison) =>
    holdsPathNotText(call.args) &&
    followsFrom(
      difference.at,
      comparison,
      contractsApart(comparison).filter(
        (id) =>
          bundle.contracts[Number(id.slice(1))]?.within !== undefined &&
          comparison.here.evaluate?.contracts?.find((judged) => judged.id === id)?.policy_error === true,
      ),
    ),
  'host-spellings': (difference, { bundle }, comparison) =>
    followsFrom(
      difference.at,
      comparison,
      sandboxesApart(comparison, false).filter((id) =>
        /[A-Z]|[^ -~]/.test(JSON.stringify(bundle.contracts[Number(id.slice(1))]?.allows ?? '')),
      ),
    ),
  'relative-to-cwd': (difference, { call }, comparison) =>
    Object.hasOwn(call.args, 'cwd') && followsFrom(difference.at, comparison, comparison.looser),
}

const LIMIT_SOURCES: readonly string[] = ['attempt_limit', 'operation_limit', 'yaml_session']

/** Why we refuse what Python loads: what is nested too deeply, and values that are no plain data. */
const REFUSED: readonly RegExp[] = [/is nested deeper than 50 levels$/, /: the tag '!![a-z]+' is not allowed; /]

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function effectOf(contract: Readonly<Record<string, unknown>>): unknown {
  return (contract.then as { readonly effect?: unknown } | undefined)?.effect
}

function eventAt(at: string, audit: readonly Event[] | undefined): Event | undefined {
  const [, index] = /^audit\.(\d+)\./.exec(at) ?? []
  return index === undefined ? undefined : audit?.[Number(index)]
}

/** Which limit a text of either package says was reached, with its numbers; null for another text. */
function limitSaid(text: string): string | null {
  const [, kind] = /^(Attempt limit|Execution limit|Per-tool limit)/.exec(text) ?? []
  return kind === undefined ? null : [kind, ...(text.match(/\d+/g) ?? [])].join(' ')
}

/**
 * A contract that asks does not end the judging here: one that denies, and stands later, wins. `evaluate`, which asks nobody,
 * says the same on both sides, and so is compared in full.
 */
function deniedBeforeAsking({ at, python, here }: Disagreement, comparison: Comparison): boolean {
  if (at.startsWith('evaluate.')) return false
  const asked = comparison.python.audit?.find(({ action }) => action === 'call_approval_requested')
  if (asked === undefined || !firedHere(comparison, asked.name)) return false
  const decided = comparison.here.audit?.find(({ action }) => action !== 'call_would_deny' || comparison.isObserving)
  if (decided === undefined) return false
  if (decided.action === 'call_denied' || decided.action === 'call_would_deny') {
    return (
      decided.name !== asked.name &&
      (LIMIT_SOURCES.includes(String(decided.source)) || firedHere(comparison, decided.name))
    )
  }
  // Both ask; here the records of the contracts after the asking one are told as well.
  const event = eventAt(at, comparison.here.audit)
  return (
    event !== undefined &&
    decided.action === 'call_approval_requested' &&
    event.action.startsWith('call_approval_') &&
    ((/\.metadata\.\d+$/.test(at) && python === undefined) || (at.endsWith('.policy_error') && here === true))
  )
}

function firedHere({ here }: Comparison, name: string | null): boolean {
  return here.evaluate?.contracts?.some(({ id, passed }) => id === name && !passed) === true
}

/** Sandbox contracts of which one package says that they fire and the other that they do not. */
export function sandboxesApart(
  { python, here }: Pick<Comparison, 'python' | 'here'>,
  isHere: boolean,
): readonly string[] {
  const fired = (judged: readonly Judged[] | undefined) =>
    new Set(judged?.filter(({ passed }) => !passed).map(({ id }) => id))
  const there = fired(python.evaluate?.contracts)
  const ours = here.evaluate?.contracts?.filter(({ id }) => Object.hasOwn(here.sights ?? {}, id)) ?? []
  return ours.filter(({ id, passed }) => passed !== isHere && there.has(id) !== isHere).map(({ id }) => id)
}

/** All contracts that the two packages judge differently. */
function contractsApart({ python, here }: Comparison): readonly string[] {
  const there = new Map(python.evaluate?.contracts?.map((judged) => [judged.id, judged]))
  const differs = ({ id, passed, policy_error }: Judged): boolean =>
    there.get(id)?.passed !== passed || there.get(id)?.policy_error !== policy_error
  return (here.evaluate?.contracts ?? []).filter(differs).map(({ id }) => id)
}

const PATH_KEY = /(?:path|file|filename|dir|directory|cwd|root|folder|destination|src|dst)$/i

/** Whether under the name of a path, at any depth, stands a number or an object, alone or in a list. */
function holdsPathNotText(value: unknown, isPath = false): boolean {
  if (typeof value === 'number' || typeof value === 'bigint' || value instanceof YamlText) return isPath
  if (typeof value !== 'object' || value === null) return false
  if (isPath && !Array.isArray(value)) return true
  return Object.entries(value).some(([key, item]) => holdsPathNotText(item, isPath || PATH_KEY.test(key)))
}

const MATCHES = /"matches(?:_any)?": /

function hasLongText(value: unknown): boolean {
  if (typeof value === 'string') return value.length > 10_000
  return typeof value === 'object' && value !== null && Object.values(value).some(hasLongText)
}

/** Whether a difference follows from some contracts alone that the two packages judge differently. */
function followsFrom(at: string, { python, here }: Comparison, apart: readonly string[]): boolean {
  if (apart.length === 0) return false
  const [, index] = /^evaluate\.contracts\.(\d+)\./.exec(at) ?? []
  if (index !== undefined) return apart.includes(here.evaluate?.contracts?.[Number(index)]?.id ?? '')
  // What else `evaluate` says follows from its contracts.
  if (at.startsWith('evaluate.')) return true
  if (at.endsWith('.policy_error')) return true
  return [python.run, here.run, ...(python.audit ?? []), ...(here.audit ?? [])].some((told) =>
    apart.includes(told?.name ?? ''),
  )
}

/** For each place where the outcomes differ, the first row that explains it. */
export function explain(
  differences: readonly Difference[],
  one: Case,
  comparison: Comparison,
): readonly (string | undefined)[] {
  const rows = comparison.found.map(
    (found) => differences.find(({ id }) => RECOGNISERS[id]?.(found, one, comparison))?.id,
  )
  if (!comparison.isReread) return rows
  return [...rows, differences.find(({ id }) => id === 'numbers-as-json')?.id]
}
