import { Ajv, type ValidateFunction } from 'ajv'
import { type FilePolicy, requireByPolicy } from '../files/file-policy.ts'
import { componentsOf, type PathRefused, shownPath } from '../files/path.ts'
import { type JudgedPath, resolvePath } from '../files/resolve.ts'
import { cut, LONGEST_DETAILS } from './telling.ts'
import { argumentsOf, BadArguments, ownSchemaOf, type Tool } from './tool.ts'
import { settableNames, unsettable } from './variables.ts'

const ajv = new Ajv({ allErrors: true, strict: false, coerceTypes: false })
const validators = new WeakMap<Tool, ValidateFunction>()

type Arguments = Record<string, unknown>

/** The workspace of a call, on this machine. */
export interface CallFiles {
  /** Folder that the agent sees as its workspace. */
  readonly root: string
  /** What the manifest lets the agent do there. */
  readonly policy: FilePolicy | undefined
  /** Bytes it may hold. */
  readonly diskLimit: number
  /** Volumes that lie in it, and where. */
  readonly mounts?: readonly { readonly components: readonly string[]; readonly volumeId: string | null }[]
  /** Told of each path that is refused. */
  readonly refused?: (refusal: PathRefused) => Promise<void>
}

/** Arguments as a caller sent them, with what is not the tool's own taken out. */
export interface SentArguments {
  readonly args: Arguments
  /** The tenants that the call names. */
  readonly tenants: readonly unknown[]
  /** The edge node that the call names; undefined when it names none. */
  readonly edgeTarget: unknown
}

/** A variable that a call may not set. */
export class VariablesRefused extends Error {
  override readonly name = 'VariablesRefused'
}

/**
 * What a call was sent with. Contexts of the consumer tiers do not force and do not choose versions; a tenant and an edge node are
 * judged apart from what the tool itself takes.
 * @throws BadArguments when it is no object
 */
export function readArguments(name: string, tool: Tool | null, raw: unknown, contextName: string): SentArguments {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw))
    throw new BadArguments(`The arguments of '${name}' must be a JSON object.`)
  const args: Arguments = { ...raw }
  const takesOwn = (argument: string) => tool?.foreignSchema !== undefined || tool?.arguments[argument] !== undefined
  if (contextName.startsWith('zaru-')) {
    delete args.force
    delete args.version
  }
  const tenants: unknown[] = []
  if (name.startsWith('aegis.'))
    for (const argument of ['tenant_id', 'tenant']) {
      if (args[argument] !== undefined && args[argument] !== null) tenants.push(args[argument])
      if (!takesOwn(argument)) delete args[argument]
    }
  const edgeTarget = takesOwn('target') ? undefined : (args.target ?? undefined)
  if (!takesOwn('target')) delete args.target
  return { args, tenants, edgeTarget }
}

/**
 * Check a call against the tool's schema: required arguments first, by their own sentence.
 * @throws BadArguments
 */
export function requireShape(tool: Tool, given: Arguments): Arguments {
  const args = { ...given }
  if (tool.foreignSchema !== undefined) {
    // Its server judges the rest by its own schema, whatever dialect that is written in.
    const { required } = tool.foreignSchema
    if (Array.isArray(required))
      requirePresent(
        tool,
        args,
        required.filter((name) => typeof name === 'string'),
      )
    return args
  }
  for (const [name, value] of Object.entries(args)) if (value === null) delete args[name]
  requirePresent(tool, args, ownSchemaOf(tool).required)
  const validate = validatorOf(tool)
  if (validate(args)) return args
  const problems = (validate.errors ?? []).map((error) => {
    const unknown: unknown = error.params.additionalProperty
    if (unknown !== undefined) return `'${String(unknown)}' is no argument of this tool`
    return `${error.instancePath.slice(1).replaceAll('/', '.') || 'arguments'} ${error.message}`
  })
  throw new BadArguments(cut(`Bad arguments for '${tool.name}': ${problems.join('; ')}`, LONGEST_DETAILS))
}

function requirePresent(tool: Tool, args: Arguments, required: readonly string[]): void {
  for (const name of required) {
    const value = Object.hasOwn(args, name) ? args[name] : undefined
    const isBlank = tool.arguments[name]?.is === 'command' && typeof value === 'string' && value.trim() === ''
    if (value === undefined || value === null || isBlank)
      throw new BadArguments(`required field '${name}' is missing or null for tool '${tool.name}'`)
  }
}

/** What a call is judged by, and run with. */
export interface PreparedCall {
  /** Paths among them are absolute as the agent sees them, and free of links. */
  readonly args: Readonly<Arguments>
  readonly paths: ReadonlyMap<string, JudgedPath>
}

/**
 * Resolve the paths of a call: once, so that what the contracts and people see is what is opened.
 * @param files null for a call that belongs to no workspace
 * @throws BadArguments, PathRefused for paths that leave the workspace or that the manifest keeps from the agent, VariablesRefused
 */
export async function prepareCall(tool: Tool, given: Arguments, files: CallFiles | null): Promise<PreparedCall> {
  const args = { ...given }
  const paths = new Map<string, JudgedPath>()
  for (const [name, argument] of Object.entries(tool.arguments)) {
    const value = args[name]
    if (argument.is !== 'path' || typeof value !== 'string') continue
    const components = componentsOf(value)
    if (files === null)
      throw new BadArguments(
        `'${tool.name}' works on the files of an execution, and this call belongs to none: '${value}' leads nowhere.`,
      )
    const { access } = argument
    const path = await resolvePath(files.root, components, access === 'remove')
    if (access !== 'enter') requireByPolicy(files.policy, access === 'remove' ? 'write' : access, path.components)
    paths.set(name, path)
    args[name] = shownPath(path.components)
  }
  const refused = argumentsOf(tool, 'environment').flatMap((name) => unsettable(args[name]))
  if (refused.length > 0)
    throw new VariablesRefused(
      `A call may not set ${refused.map((name) => `'${name}'`).join(', ')}. It may set ${settableNames()} and LC_*.`,
    )
  return { args, paths }
}

function validatorOf(tool: Tool): ValidateFunction {
  const known = validators.get(tool)
  if (known) return known
  const compiled = ajv.compile(ownSchemaOf(tool))
  validators.set(tool, compiled)
  return compiled
}
