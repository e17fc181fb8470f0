import { assertToolName } from '../envelope/create.ts'
import { EdictumConfigError } from '../errors.ts'
import { decodeYaml } from '../load/yaml/decode.ts'
import { parseYaml } from '../load/yaml/parse.ts'
import { compileGlob } from '../match/glob.ts'
import { plainValue } from '../plain/values.ts'
import { compileCommandPattern, parseCondition, workflowError } from './conditions.ts'
import type { Check, Gate, Stage, Workflow } from './types.ts'

const MAX_BYTES = 1_048_576
const NAME = /^[a-z0-9][a-z0-9._-]*$/

export interface WorkflowOptions {
  /** Whether `exec` gates are allowed; whoever evaluates must then hand in a `RunCommand`. Off by default. */
  readonly allowExec?: boolean
}

type Mapping = Readonly<Record<string, unknown>>

/** A workflow from its YAML text or bytes. Throws `EdictumConfigError`, its text beginning `workflow: `. */
export function loadWorkflow(source: string | Uint8Array, options: WorkflowOptions = {}): Workflow {
  const bytes = typeof source === 'string' ? new TextEncoder().encode(source) : source
  if (bytes.length > MAX_BYTES)
    throw workflowError(`the document is too large: ${bytes.length} bytes, the limit is ${MAX_BYTES}`)
  let value: unknown
  try {
    value = plainValue(parseYaml(decodeYaml(bytes)))
  } catch (error) {
    throw workflowError(`YAML parse error: ${error instanceof Error ? error.message : String(error)}`)
  }
  return compileWorkflow(value, options)
}

/** As `loadWorkflow`, from a document that is parsed already. */
export function compileWorkflow(value: unknown, options: WorkflowOptions = {}): Workflow {
  const document = mapping(value, 'the document', ['apiVersion', 'kind', 'metadata', 'stages'])
  if (document.apiVersion !== 'edictum/v1') throw workflowError("apiVersion must be 'edictum/v1'")
  if (document.kind !== 'Workflow') throw workflowError("kind must be 'Workflow'")
  const metadata = mapping(document.metadata, 'metadata', ['name', 'description', 'version'])
  const stages = list(document.stages, 'stages').map((stage, index) => compileStage(stage, index, options))
  if (stages.length === 0) throw workflowError('stages must not be empty')
  checkOrder(stages)
  return Object.freeze({
    name: identifier(metadata.name, 'metadata.name'),
    description: optionalText(metadata.description, 'metadata.description'),
    version: optionalText(metadata.version, 'metadata.version'),
    stages: Object.freeze(stages),
  })
}

function checkOrder(stages: readonly Stage[]): void {
  const ids = new Set<string>()
  stages.forEach((stage, index) => {
    if (ids.has(stage.id)) throw workflowError(`duplicate stage id '${stage.id}'`)
    ids.add(stage.id)
    if (index === stages.length - 1) return
    if (stage.terminal) throw workflowError(`stage '${stage.id}': only the last stage may be terminal`)
    const isEmpty = stage.tools.length + stage.checks.length + stage.exit.length === 0 && stage.approval === null
    if (isEmpty)
      throw workflowError(`stage '${stage.id}' has no tools, checks, exit or approval, so nothing could end it`)
  })
}

const STAGE_FIELDS = ['id', 'description', 'entry', 'exit', 'tools', 'checks', 'approval', 'terminal']

function compileStage(value: unknown, index: number, options: WorkflowOptions): Stage {
  const stage = mapping(value, `stages[${index}]`, STAGE_FIELDS)
  const id = identifier(stage.id, `stages[${index}].id`)
  const where = `stage '${id}'`
  const { terminal } = stage
  if (terminal !== undefined && typeof terminal !== 'boolean')
    throw workflowError(`${where}: terminal must be true or false`)
  return Object.freeze({
    id,
    description: optionalText(stage.description, `${where}: description`) ?? '',
    entry: list(stage.entry, `${where}: entry`).map((gate) => compileGate(gate, `${where}: entry`, options)),
    exit: list(stage.exit, `${where}: exit`).map((gate) => compileGate(gate, `${where}: exit`, options)),
    tools: list(stage.tools, `${where}: tools`).map((tool) => compileTool(tool, where)),
    checks: list(stage.checks, `${where}: checks`).map((check) => compileCheck(check, where)),
    approval: stage.approval === undefined ? null : compileApproval(stage.approval, where),
    terminal: terminal ?? false,
  })
}

function compileGate(value: unknown, where: string, options: WorkflowOptions): Gate {
  const gate = mapping(value, where, ['condition', 'message'])
  const source = requiredText(gate.condition, `${where}.condition`)
  const condition = parseCondition(source)
  if (condition.kind === 'exec' && options.allowExec !== true) {
    throw workflowError(`${where}: exec conditions run commands and are off; allow them explicitly`)
  }
  return { condition, source, message: optionalText(gate.message, `${where}.message`) ?? '' }
}

function compileTool(value: unknown, where: string): Stage['tools'][number] {
  const pattern = requiredText(value, `${where}: tools`)
  try {
    assertToolName(pattern)
  } catch (error) {
    throw error instanceof EdictumConfigError ? workflowError(`${where}: ${error.message}`) : error
  }
  return { pattern, matches: compileGlob(pattern) }
}

function compileCheck(value: unknown, where: string): Check {
  const check = mapping(value, `${where}: checks`, ['command_matches', 'command_not_matches', 'message'])
  const kinds = (['command_matches', 'command_not_matches'] as const).filter((kind) => kind in check)
  const [kind] = kinds
  if (kind === undefined || kinds.length !== 1) {
    throw workflowError(`${where}: a check needs exactly one of command_matches and command_not_matches`)
  }
  const pattern = compileCommandPattern(requiredText(check[kind], `${where}: ${kind}`))
  return { kind, pattern, message: requiredText(check.message, `${where}: the message of a check`) }
}

function compileApproval(value: unknown, where: string): { readonly message: string } {
  const { message } = mapping(value, `${where}: approval`, ['message'])
  return { message: requiredText(message, `${where}: approval.message`) }
}

function mapping(value: unknown, where: string, known: readonly string[]): Mapping {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw workflowError(`${where} must be a mapping`)
  const stray = Object.keys(value).find((key) => !known.includes(key))
  if (stray !== undefined) throw workflowError(`${where}: unknown field '${stray}'; known are ${known.join(', ')}`)
  return value as Mapping
}

function list(value: unknown, where: string): readonly unknown[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw workflowError(`${where} must be a list`)
  return value
}

function identifier(value: unknown, where: string): string {
  const text = requiredText(value, where)
  if (!NAME.test(text)) throw workflowError(`${where} '${text}' must match ${NAME.source}`)
  return text
}

function requiredText(value: unknown, where: string): string {
  if (typeof value !== 'string' || value === '') throw workflowError(`${where} must be a non-empty text`)
  return value
}

function optionalText(value: unknown, where: string): string | null {
  if (value === undefined) return null
  if (typeof value !== 'string') throw workflowError(`${where} must be a text`)
  return value
}
