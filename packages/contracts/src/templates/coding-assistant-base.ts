/** For coding assistants; the bundle a fresh gate starts with. Text of a bundle. */
export const codingAssistantBase = String.raw`apiVersion: edictum/v1
kind: ContractBundle
metadata:
  name: coding-assistant-base
  description: Watches a coding assistant for secrets, destruction and risky commands, and guards the gate itself.
defaults:
  mode: observe
tools:
  Bash: { side_effect: irreversible }
  Write: { side_effect: irreversible }
  Edit: { side_effect: irreversible }
  NotebookEdit: { side_effect: irreversible }
  Task: { side_effect: irreversible }
  "mcp_*": { side_effect: irreversible }
  Read: { side_effect: read }
  Glob: { side_effect: read }
  Grep: { side_effect: read }
  WebFetch: { side_effect: read }
  WebSearch: { side_effect: read }
contracts:
  - id: deny-secret-file-reads
    type: pre
    tool: Read
    when:
      args.file_path:
        matches_any:
          - '\.env$'
          - '\.env\.\w+$'
          - 'credentials\.json$'
          - '\.pem$'
          - '\.key$'
          - '\.secret$'
          - '\.ssh/'
          - '\.aws/'
          - '\.gcloud/'
          - '\.docker/config\.json$'
          - '\.npmrc$'
          - '\.pypirc$'
    then:
      effect: deny
      message: "{args.file_path} may hold secrets and must not be read."
      tags: [security, secrets]
  - id: deny-secret-file-writes
    type: pre
    tool: Write
    when:
      args.file_path:
        matches_any:
          - '\.env$'
          - '\.env\.\w+$'
          - 'credentials\.json$'
          - '\.pem$'
          - '\.key$'
          - '\.secret$'
          - '\.ssh/'
          - '\.aws/'
          - '\.gcloud/'
          - '\.docker/config\.json$'
          - '\.npmrc$'
          - '\.pypirc$'
    then:
      effect: deny
      message: "{args.file_path} may hold secrets and must not be written."
      tags: [security, secrets]
  - id: deny-secret-file-edits
    type: pre
    tool: Edit
    when:
      args.file_path:
        matches_any:
          - '\.env$'
          - '\.env\.\w+$'
          - 'credentials\.json$'
          - '\.pem$'
          - '\.key$'
          - '\.secret$'
          - '\.ssh/'
          - '\.aws/'
          - '\.gcloud/'
          - '\.docker/config\.json$'
          - '\.npmrc$'
          - '\.pypirc$'
    then:
      effect: deny
      message: "{args.file_path} may hold secrets and must not be edited."
      tags: [security, secrets]
  - id: deny-env-dump-commands
    type: pre
    tool: Bash
    when:
      args.command:
        matches_any:
          - '^\s*(?:printenv|env|set)(?:\s|$)'
          - '\bcat\s+(?:\S+\s+)*\S*\.env\b'
          - '\becho\s+["'']?\$\{?(?:AWS_SECRET_ACCESS_KEY|AWS_SESSION_TOKEN|API_KEY|SECRET_KEY|DATABASE_URL|DB_PASSWORD|PRIVATE_KEY|TOKEN|OPENAI_API_KEY|ANTHROPIC_API_KEY|GITHUB_TOKEN)\b'
          - '\bexport\s+-p\b'
    then:
      effect: deny
      message: "This command prints secrets of the environment."
      tags: [security, secrets]
  - id: deny-destructive-commands
    type: pre
    tool: Bash
    when:
      args.command:
        matches_any:
          - '\brm\s+(?:-\S+\s+)*(?:-[a-zA-Z]*[rR][a-zA-Z]*|--recursive)\s+(?:-\S+\s+)*["'']?/'
          - '\brm\s+(?:-\S+\s+)*(?:-[a-zA-Z]*[rR][a-zA-Z]*|--recursive)\s+(?:-\S+\s+)*["'']?~'
          - '\brm\s+(?:-\S+\s+)*(?:-[a-zA-Z]*[rR][a-zA-Z]*|--recursive)\s+(?:-\S+\s+)*["'']?\*'
          - '^\s*mkfs\b'
          - '^\s*dd\s+if='
          - '\bchmod\s+(?:-\S+\s+)*0?777\b'
          - ':\(\)\s*\{.*\};\s*:'
    then:
      effect: deny
      message: "This command destroys data: {args.command}"
      tags: [security, destructive]
  - id: deny-dangerous-git
    type: pre
    tool: Bash
    when:
      args.command:
        matches_any:
          - '\bgit\s+push\s+(?:.*\s)?--force'
          - '\bgit\s+push\s+(?:.*\s)?-f\b'
          - '\bgit\s+reset\s+(?:.*\s)?--hard\b'
          - '\bgit\s+clean\s+(?:.*\s)?-[a-zA-Z]*f'
          - '\bgit\s+checkout\s+(?:--\s+)?\.(?:\s|$)'
          - '\bgit\s+branch\s+(?:.*\s)?-D\b'
    then:
      effect: deny
      message: "This git command loses work: {args.command}"
      tags: [git, destructive]
  - id: deny-system-commands
    type: pre
    tool: Bash
    when:
      args.command:
        matches_any:
          - '^\s*sudo\b'
          - '\bsystemctl\b'
          - '\blaunchctl\b'
          - '/etc/'
          - '/usr/local/bin/'
    then:
      effect: deny
      message: "This command reaches into the system: {args.command}"
      tags: [security, system]
  - id: deny-package-installs
    type: pre
    tool: Bash
    when:
      args.command:
        matches_any:
          - '\bnpm\s+(?:install|i)\b'
          - '\bpnpm\s+(?:add|install)\b'
          - '\byarn\s+add\b'
          - '\bpip3?\s+install\b'
          - '\bbrew\s+install\b'
          - '\bcargo\s+install\b'
          - '\bgo\s+install\b'
    then:
      effect: deny
      message: "This command installs packages: {args.command}"
      tags: [audit, packages]
  - id: deny-interactive-shells
    type: pre
    tool: Bash
    when:
      args.command:
        matches: '^\s*(?:exec\s+)?(?:/\S*/)?(?:bash|sh|dash|zsh|fish|python[\d.]*|node|irb|psql|mysql|sqlite3)(?:\s+(?:-i|-l|--login|--interactive))*\s*$'
    then:
      effect: deny
      message: "What is typed into a program that is open is not judged: {args.command}"
      tags: [security, gate-protection]
  - id: deny-gate-config-reads
    type: pre
    tool: Read
    mode: enforce
    when:
      args.file_path:
        matches_any:
          - '\.edictum/'
          - '\.lictor/'
          - '\.claude/settings(?:\.local)?\.json$'
          - '\.cursor/hooks\.json$'
          - '\.gemini/settings\.json$'
          - '\.qwen/settings\.json$'
          - '\.codex/(?:hooks\.json|config\.toml)$'
          - '\.copilot/'
          - '\.cline/hooks/'
          - 'opencode/plugins?/'
    then:
      effect: deny
      message: "{args.file_path} configures the gate and must not be read by an assistant."
      tags: [security, gate-protection]
  - id: deny-gate-config-writes
    type: pre
    tool: Write
    mode: enforce
    when:
      args.file_path:
        matches_any:
          - '\.edictum/'
          - '\.lictor/'
          - '\.claude/settings(?:\.local)?\.json$'
          - '\.cursor/hooks\.json$'
          - '\.gemini/settings\.json$'
          - '\.qwen/settings\.json$'
          - '\.codex/(?:hooks\.json|config\.toml)$'
          - '\.copilot/'
          - '\.cline/hooks/'
          - 'opencode/plugins?/'
    then:
      effect: deny
      message: "{args.file_path} configures the gate and must not be written by an assistant."
      tags: [security, gate-protection]
  - id: deny-gate-config-edits
    type: pre
    tool: Edit
    mode: enforce
    when:
      args.file_path:
        matches_any:
          - '\.edictum/'
          - '\.lictor/'
          - '\.claude/settings(?:\.local)?\.json$'
          - '\.cursor/hooks\.json$'
          - '\.gemini/settings\.json$'
          - '\.qwen/settings\.json$'
          - '\.codex/(?:hooks\.json|config\.toml)$'
          - '\.copilot/'
          - '\.cline/hooks/'
          - 'opencode/plugins?/'
    then:
      effect: deny
      message: "{args.file_path} configures the gate and must not be edited by an assistant."
      tags: [security, gate-protection]
  - id: deny-gate-config-bash-tampering
    type: pre
    tool: Bash
    mode: enforce
    when:
      args.command:
        matches_any:
          - '\.edictum/'
          - '\.lictor/'
          - 'settings(?:\.local)?\.json'
          - 'hooks\.json'
          - '\.codex/config\.toml'
          - '\.copilot/'
          - '\.cline/hooks/'
          - 'opencode/plugins?/'
          - '\b(?:edictum|lictor)\s+gate\s+uninstall\b'
    then:
      effect: deny
      message: "This command touches the gate: {args.command}"
      tags: [security, gate-protection]
`
