import { Ajv, type ValidateFunction } from 'ajv'
import type { Tool } from './catalogue.ts'
import { ToolFailed } from './files.ts'
import { componentsOf, resolveLinks, shownPath } from './workspace.ts'

const ajv = new Ajv({ allErrors: true, strict: false, coerceTypes: false })
const validators = new Map<string, ValidateFunction>()

/**
 * The arguments a call is judged and run by: checked against the tool's schema, paths made absolute and free of links, so
 * that what the contracts see is what is opened (aegis-runtime §4.1, 2 and 3).
 * @param root the workspace on this machine
 * @throws ToolFailed for bad arguments, PathRefused for paths that leave the workspace
 */
export async function prepareArguments(
  tool: Tool,
  raw: unknown,
  root: string,
): Promise<Readonly<Record<string, unknown>>> {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw))
    throw new ToolFailed(`The arguments of '${tool.name}' must be a JSON object.`)
  const args: Record<string, unknown> = { ...raw }
  for (const [name, value] of Object.entries(args)) if (value === null) delete args[name]
  for (const name of tool.schema.required) {
    if (args[name] === undefined || (tool.kind === 'dispatched' && String(args[name]).trim() === ''))
      throw new ToolFailed(`required field '${name}' is missing or null for tool '${tool.name}'`)
  }
  const validate = validatorOf(tool)
  if (!validate(args)) {
    const problems = (validate.errors ?? []).map(
      (error) => `${error.instancePath.slice(1) || 'arguments'} ${error.message}`,
    )
    throw new ToolFailed(`Bad arguments for '${tool.name}': ${problems.join('; ')}`)
  }
  for (const name of ['path', 'cwd']) {
    if (typeof args[name] === 'string') args[name] = shownPath(await resolveLinks(root, componentsOf(args[name])))
  }
  return args
}

function validatorOf(tool: Tool): ValidateFunction {
  const known = validators.get(tool.name)
  if (known) return known
  const compiled = ajv.compile(tool.schema)
  validators.set(tool.name, compiled)
  return compiled
}
