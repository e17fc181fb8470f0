import type { Frame } from '../contracts/shared/language.ts'
import type { ContractType } from './route.ts'

/** What stands around the text of a contract. An id that is none yet gives way to one that reads. */
export const frameOf = (id: string, type: ContractType): Frame => ({
  head: `apiVersion: edictum/v1
kind: ContractBundle
metadata: { name: library }
defaults: { mode: enforce }
contracts:
  - id: ${ID.test(id) ? JSON.stringify(id) : 'a-contract'}
    type: ${type}
`,
  indent: 4,
})

/** What a contract may be called. */
export const ID = /^[a-z0-9][a-z0-9_-]{0,127}$/

/** What a new contract of a type begins as. */
export const BEGINNINGS: Readonly<Record<ContractType, string>> = {
  pre: `tool: read_file
when:
  args.path:
    starts_with: /etc
then:
  effect: deny
  message: "{args.path} may not be read."
`,
  post: `tool: read_file
when:
  output.text:
    contains: SECRET
then:
  effect: warn
  message: What was read holds a secret.
`,
  session: `limits:
  max_tool_calls: 50
then:
  effect: deny
  message: This session has made 50 calls.
`,
  sandbox: `tools: [read_file, write_file]
within: [/srv/data]
message: "{args.path} is outside of /srv/data."
`,
}
