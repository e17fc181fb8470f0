/** A bundle to begin with: it refuses secrets, asks before deleting, and limits a session. */
export const EXAMPLE_BUNDLE = `apiVersion: edictum/v1
kind: ContractBundle

metadata:
  name: my-contracts
  description: Secrets stay secret, deletions wait for a person.

defaults:
  mode: enforce

contracts:
  - id: no-secrets
    type: pre
    tool: read_file
    when:
      args.path:
        matches_any: ['(^|/)\\.env', '\\.pem$', '(^|/)id_rsa']
    then:
      effect: deny
      message: "{args.path} holds secrets and may not be read."
      tags: [secrets]

  - id: ask-before-delete
    type: pre
    tool: delete_*
    when:
      environment:
        equals: production
    then:
      effect: approve
      message: "{tool.name} in production needs a person."
      timeout: 300

  - id: enough-is-enough
    type: session
    limits:
      max_tool_calls: 50
    then:
      effect: deny
      message: This session has made 50 calls.
`
