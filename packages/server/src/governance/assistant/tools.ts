import { EdictumConfigError, type LoadedBundle, readYaml } from '@lictor/contracts'
import { checkBundle } from '@lictor/contracts/authoring'
import Type, { type Static } from 'typebox'
import Value from 'typebox/value'
import { stringify } from 'yaml'
import { DomainError } from '../../errors.ts'
import type { ModelTool } from '../../ports/model.ts'
import type { Evaluation } from '../evaluate/evaluate.ts'
import type { TrialCall } from '../evaluate/judge.ts'

const LONGEST_YAML = 50_000

const YamlContent = Type.String({
  maxLength: LONGEST_YAML,
  description: 'A whole bundle (it has apiVersion), or one contract as a mapping with an id.',
})
const ValidateArguments = Type.Object({ yaml_content: YamlContent })
const EvaluateArguments = Type.Object({
  yaml_content: YamlContent,
  tool_name: Type.String({ maxLength: 200 }),
  tool_args: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  environment: Type.Optional(
    Type.Union([Type.Literal('production'), Type.Literal('staging'), Type.Literal('development')]),
  ),
})

/** What the model may call. */
export const assistantTools: readonly ModelTool[] = [
  {
    name: 'validate_contract',
    description: 'Check a contract or a whole bundle. Returns whether it is valid, and every error with its place.',
    schema: ValidateArguments,
  },
  {
    name: 'evaluate_contract',
    description:
      'Try one tool call against a contract or a bundle without running anything. In contracts_evaluated, matched is false for a contract that fired.',
    schema: EvaluateArguments,
  },
]

/** What a tool answers; `error` when it could not do its work. */
export type ToolResult = Readonly<Record<string, unknown>>

/** Run a tool with what the model sent. Never throws for that: what is wrong is the result. */
export type RunTool = (name: string, args: unknown) => Promise<ToolResult>

/** @param deps.evaluate the playground, which judges on a thread that can be broken off */
export function createToolRunner(deps: { evaluate: (call: TrialCall) => Promise<Evaluation> }): RunTool {
  return async (name, args) => {
    switch (name) {
      case 'validate_contract':
        return Value.Check(ValidateArguments, args)
          ? validate(args)
          : { error: wrongArguments(ValidateArguments, args) }
      case 'evaluate_contract':
        return Value.Check(EvaluateArguments, args)
          ? evaluate(args, deps.evaluate)
          : { error: wrongArguments(EvaluateArguments, args) }
      default:
        return { error: `Unknown tool: '${name}'` }
    }
  }
}

function validate({ yaml_content }: Static<typeof ValidateArguments>): ToolResult {
  if (yaml_content.trim() === '') return { valid: false, errors: ['Empty YAML content'] }
  const loaded = load(yaml_content)
  return 'errors' in loaded ? { valid: false, errors: loaded.errors } : { valid: true, errors: [] }
}

async function evaluate(
  args: Static<typeof EvaluateArguments>,
  judge: (call: TrialCall) => Promise<Evaluation>,
): Promise<ToolResult> {
  if (args.yaml_content.trim() === '') return { error: 'Empty YAML content' }
  const loaded = load(args.yaml_content)
  if ('errors' in loaded) return { error: `Invalid contract YAML: ${loaded.errors.join('; ')}` }
  const { contracts } = loaded.bundle.document
  const effects = new Map(
    contracts.map((contract) => [contract.id, contract.type === 'sandbox' ? contract.outside : contract.then.effect]),
  )
  try {
    const judged = await judge({
      yaml: loaded.source,
      toolName: args.tool_name,
      toolArgs: args.tool_args ?? {},
      environment: args.environment ?? 'production',
      principal: null,
    })
    return {
      verdict: judged.verdict,
      deciding_contract: judged.decidingContract,
      contracts_evaluated: judged.contracts.map(({ id, passed, effect, message }) => ({
        id,
        matched: passed,
        effect: effects.get(id) ?? effect,
        message,
      })),
      evaluation_time_ms: Math.round(judged.milliseconds * 100) / 100,
    }
  } catch (error) {
    if (error instanceof DomainError) return { error: error.message }
    throw error
  }
}

/** A bundle as it stands, or a single contract in a bundle around it. */
function load(text: string): { bundle: LoadedBundle; source: string } | { errors: string[] } {
  let source = text
  let value: unknown
  try {
    value = readYaml(text)
  } catch (error) {
    return {
      errors: error instanceof EdictumConfigError ? error.issues.map(({ message }) => message) : [String(error)],
    }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { errors: ['The YAML must be a mapping: a bundle, or one contract.'] }
  if (!Object.hasOwn(value, 'apiVersion')) {
    if (!Object.hasOwn(value, 'id'))
      return { errors: ["A single contract needs an 'id'; a bundle needs 'apiVersion'."] }
    source = stringify({
      apiVersion: 'edictum/v1',
      kind: 'ContractBundle',
      metadata: { name: 'validation-check' },
      defaults: { mode: 'enforce' },
      contracts: [value],
    })
  }
  const { bundle, issues } = checkBundle(source)
  return bundle
    ? { bundle, source }
    : { errors: issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)) }
}

function wrongArguments(schema: typeof ValidateArguments | typeof EvaluateArguments, args: unknown): string {
  const [first] = Value.Errors(schema, args)
  return `Invalid arguments: ${first ? `${first.instancePath || 'arguments'} ${first.message}` : 'not an object'}`
}
