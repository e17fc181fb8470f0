/** Where a manifest begins. */
export const EXAMPLE_AGENT = `apiVersion: 100monkeys.ai/v1
kind: Agent
metadata:
  name: greeter
  version: 1.0.0
  description: Greets somebody.
spec:
  runtime:
    language: javascript
    version: "20"
    model: default
  task:
    instruction: |
      You greet people. Answer with the greeting alone.
  security:
    network: { mode: none }
    resources: { memory: 256Mi, timeout: 10m }
  tools: [read_file, write_file]
`
