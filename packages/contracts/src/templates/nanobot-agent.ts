/** For a personal assistant that runs commands and schedules work. Text of a bundle. */
export const nanobotAgent = String.raw`apiVersion: edictum/v1
kind: ContractBundle
metadata:
  name: nanobot-agent
  description: Asks before commands, sub-agents, schedules and MCP tools, and keeps writes in /workspace.
defaults:
  mode: enforce
tools:
  exec: { side_effect: irreversible }
  write_file: { side_effect: irreversible }
  edit_file: { side_effect: irreversible }
  spawn: { side_effect: irreversible }
  cron: { side_effect: irreversible }
  "mcp_*": { side_effect: irreversible }
  read_file: { side_effect: read }
  list_dir: { side_effect: read }
  web_search: { side_effect: read }
  web_fetch: { side_effect: read }
  message: { side_effect: write }
contracts:
  - id: approve-exec
    type: pre
    tool: exec
    when:
      tool.name:
        exists: true
    then:
      effect: approve
      message: "Run this command? {args.command}"
      timeout: 300
      timeout_effect: deny
      tags: [approval, exec]
  - id: approve-spawn
    type: pre
    tool: spawn
    when:
      tool.name:
        exists: true
    then:
      effect: approve
      message: "Start a sub-agent for this task? {args.task}"
      timeout: 300
      timeout_effect: deny
      tags: [approval, spawn]
  - id: approve-cron
    type: pre
    tool: cron
    when:
      tool.name:
        exists: true
    then:
      effect: approve
      message: "Schedule this job? {args.schedule}"
      timeout: 300
      timeout_effect: deny
      tags: [approval, cron]
  - id: deny-write-outside-workspace
    type: pre
    tool: write_file
    when:
      any:
        - not:
            args.path:
              starts_with: /workspace/
        - args.path:
            matches: '(?:^|/)\.\.(?:/|$)'
    then:
      effect: deny
      message: "{args.path} lies outside /workspace. Write below /workspace only."
      tags: [containment]
  - id: deny-edit-outside-workspace
    type: pre
    tool: edit_file
    when:
      any:
        - not:
            args.path:
              starts_with: /workspace/
        - args.path:
            matches: '(?:^|/)\.\.(?:/|$)'
    then:
      effect: deny
      message: "{args.path} lies outside /workspace. Edit below /workspace only."
      tags: [containment]
  - id: deny-sensitive-reads
    type: pre
    tool: read_file
    when:
      args.path:
        matches: '\.(?:env|key|pem|secret)$'
    then:
      effect: deny
      message: "{args.path} may hold secrets."
      tags: [secrets]
  - id: approve-mcp-tools
    type: pre
    tool: "mcp_*"
    when:
      tool.name:
        exists: true
    then:
      effect: approve
      message: "Call the MCP tool {tool.name}?"
      timeout: 120
      timeout_effect: deny
      tags: [approval, mcp]
  - id: session-limits
    type: session
    limits:
      max_attempts: 200
      max_tool_calls: 100
      max_calls_per_tool:
        exec: 20
        spawn: 5
        cron: 10
    then:
      effect: deny
      message: This session has used up its tool calls. Tell the user what is left to do.
      tags: [limits]
`
