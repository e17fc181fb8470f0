/** For agents that read and search. Text of a bundle. */
export const researchAgent = String.raw`apiVersion: edictum/v1
kind: ContractBundle
metadata:
  name: research-agent
  description: Keeps a research agent away from secrets, flags personal data, and ends runaway sessions.
defaults:
  mode: enforce
contracts:
  - id: block-sensitive-reads
    type: pre
    tool: read_file
    when:
      args.path:
        contains_any: [".env", ".secret", "credentials"]
    then:
      effect: deny
      message: "{args.path} may hold secrets. Leave it and ask the user for what you need."
      tags: [secrets]
  - id: pii-in-output
    type: post
    tool: "*"
    when:
      output.text:
        matches_any: ['\b\d{3}-\d{2}-\d{4}\b']
    then:
      effect: warn
      message: The output seems to contain a social security number. Do not repeat it.
      tags: [pii]
  - id: session-limits
    type: session
    limits:
      max_tool_calls: 50
      max_attempts: 100
    then:
      effect: deny
      message: This session has used up its tool calls. Sum up what you have found.
      tags: [limits]
`
