import Type, { type TStringOptions } from 'typebox'
import { environments } from '../identity/keys.ts'
import { LONGEST_AGENT_ID } from './fleet/registrations.ts'

/** Fields that several resources have, and mean the same in each. */

export const AgentId = Type.String({ description: `Name of the agent, at most ${LONGEST_AGENT_ID} characters.` })
export const toolName = (limits: TStringOptions = {}) =>
  Type.String({ ...limits, description: 'Name of the tool, as the agent calls it.' })
export const ToolName = toolName()
export const BundleName = Type.String({ description: 'Name of the bundle.' })
export const BundleVersion = Type.Integer({ description: 'Version of the bundle, counted from 1.' })
export const DeploymentId = Type.String({ description: 'Id of the deployment.' })
export const contractId = (limits: TStringOptions = {}) =>
  Type.String({ ...limits, description: 'Id of the contract: small letters, digits, `-` and `_`.' })
export const ContractId = contractId()
export const CompositionName = Type.String({ description: 'Name of the composition.' })
export const PolicyVersion = Type.String({
  description: 'Revision hash of the bundle that the agent runs; null where it has not said.',
})
export const RevisionHash = Type.String({
  description: 'SHA-256 of the exact bytes of the bundle, 64 hexadecimal digits; agents report it as `policy_version`.',
})
const environmentText = 'Environment: `production`, `staging` or `development`.'
/** As it is asked for. */
export const Environment = Type.Enum([...environments], { description: environmentText })
/** As it is told. */
export const EnvironmentName = Type.String({ description: environmentText })
export const YamlContent = Type.String({
  maxLength: 1_048_576,
  description: 'The bundle as YAML, at most 1 MiB; the language is described in docs/contract-language.md.',
})
