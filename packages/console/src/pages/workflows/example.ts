/** Where a manifest begins. */
export const EXAMPLE_WORKFLOW = `apiVersion: 100monkeys.ai/v1
kind: Workflow
metadata:
  name: build-and-ask
  version: "1.0.0"
  description: Builds, then asks a person.
spec:
  initial_state: BUILD
  states:
    BUILD:
      kind: System
      command: echo built
      transitions:
        - { condition: exit_code_zero, target: REVIEW }
        - { target: STOP }
    REVIEW:
      kind: Human
      prompt: "Ship it?"
      timeout: 24h
      transitions:
        - { condition: approved, target: SHIP }
        - { condition: rejected, target: STOP }
    SHIP:
      kind: System
      command: echo shipped
      transitions: []
    STOP:
      kind: System
      command: echo stopped
      transitions: []
`
