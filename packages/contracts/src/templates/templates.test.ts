import { describe, expect, it } from 'vitest'
import { decidePost } from '../decide/post.ts'
import { decidePre } from '../decide/pre.ts'
import { createEnvelope } from '../envelope/create.ts'
import { ToolRegistry } from '../envelope/registry.ts'
import { EdictumConfigError } from '../errors.ts'
import { checkBundle } from '../lint/check.ts'
import { loadPolicy } from '../policy/load.ts'
import { loadTemplate, templateNames } from './templates.ts'

const COUNTERS = { attempts: 1, executions: 0, toolExecutions: 0 }

/** Which contract stops the call (`?` before the name when it asks), or null. Observed firings count as stops here. */
function stoppedBy(template: string, tool: string, args: Record<string, unknown>, options = {}): string | null {
  const policy = loadPolicy(loadTemplate(template))
  const decision = decidePre(policy, createEnvelope(tool, args, options), COUNTERS)
  const fired = decision.contractsEvaluated.find(({ passed }) => !passed)?.name ?? decision.decisionName
  return decision.action === 'pending_approval' ? `?${decision.decisionName}` : fired
}

describe('templates', () => {
  it('are five, sorted, and load without an unexpected warning', () => {
    expect(templateNames).toEqual([
      'coding-assistant-base',
      'devops-agent',
      'file-agent',
      'nanobot-agent',
      'research-agent',
    ])
    for (const name of templateNames) {
      const { bundle, warnings } = checkBundle(loadTemplate(name))
      expect(bundle?.document.name).toBe(name)
      // Agents of 0.16 backtrack; on their 10,000 characters of input a quadratic pattern is still prompt. The key `mcp_*`
      // of `tools` is part of the templates as they are known.
      const expected = ['super_linear_regex', 'glob_not_expanded']
      expect(warnings.filter(({ code }) => !expected.includes(code))).toEqual([])
    }
  })

  it.each(['nope', '../file-agent', 'constructor', '__proto__'])('%s is unknown, and the known are listed', (name) => {
    expect(() => loadTemplate(name)).toThrow(EdictumConfigError)
    expect(() => loadTemplate(name)).toThrow(
      'coding-assistant-base, devops-agent, file-agent, nanobot-agent, research-agent',
    )
  })
})

const destructive: readonly (readonly [string, Record<string, unknown>, string | null])[] = [
  ['bash', { command: 'rm -rf /' }, 'block-destructive-bash'],
  ['bash', { command: 'rm -r dir' }, 'block-destructive-bash'],
  ['bash', { command: 'rm -fr dir' }, 'block-destructive-bash'],
  ['bash', { command: 'rm -f -R dir' }, 'block-destructive-bash'],
  ['bash', { command: 'rm --force --recursive dir' }, 'block-destructive-bash'],
  ['bash', { command: 'sudo rm   -rf /' }, 'block-destructive-bash'],
  ['bash', { command: 'mkfs.ext4 /dev/sda' }, 'block-destructive-bash'],
  ['bash', { command: 'cat x > /dev/sda' }, 'block-destructive-bash'],
  ['bash', { command: 'cat x >/dev/sda' }, 'block-destructive-bash'],
  ['bash', { command: ['rm'] }, 'block-destructive-bash'],
  ['bash', { command: 'rm file' }, null],
  ['bash', { command: 'ls -la' }, null],
  ['bash', { command: 'git rm-something' }, null],
  ['bash', { command: 'npm run format -r' }, null],
  ['bash', {}, null],
]

describe('file-agent', () => {
  it.each([
    ['read_file', { path: 'app/.env' }, 'block-sensitive-reads'],
    ['read_file', { path: 'x.secret' }, 'block-sensitive-reads'],
    ['read_file', { path: '~/.kube/kubeconfig' }, 'block-sensitive-reads'],
    ['read_file', { path: 'credentials.json' }, 'block-sensitive-reads'],
    ['read_file', { path: 'server.pem' }, 'block-sensitive-reads'],
    ['read_file', { path: '.ssh/id_rsa' }, 'block-sensitive-reads'],
    ['read_file', { path: ['.env'] }, 'block-sensitive-reads'],
    ['read_file', { path: 'src/main.ts' }, null],
    ...destructive,
    ['write_file', { path: '/etc/x' }, 'block-write-outside-target'],
    ['write_file', { path: '../x' }, 'block-write-outside-target'],
    ['write_file', { path: 'a/../../x' }, 'block-write-outside-target'],
    ['write_file', { path: '~/x' }, 'block-write-outside-target'],
    ['write_file', { path: 'a/b..c' }, null],
    ['write_file', { path: 'notes.md' }, null],
  ] as const)('%s %j: %s', (tool, args, expected) => {
    expect(stoppedBy('file-agent', tool, args)).toBe(expected)
  })
})

describe('research-agent', () => {
  it.each([
    ['read_file', { path: 'app/.env' }, 'block-sensitive-reads'],
    ['read_file', { path: 'credentials' }, 'block-sensitive-reads'],
    ['read_file', { path: 'server.pem' }, null],
  ])('%s %j: %s', (tool, args, expected) => {
    expect(stoppedBy('research-agent', tool, args)).toBe(expected)
  })

  it('flags a social security number in any output', () => {
    const policy = loadPolicy(loadTemplate('research-agent'))
    const judge = (text: string) => decidePost(policy, createEnvelope('any', {}), text, true).postconditionsPassed
    expect(judge('SSN: 123-45-6789.')).toBe(false)
    expect(judge('call 123-456-7890')).toBe(true)
  })

  it('ends after 50 executions or 100 attempts', () => {
    const policy = loadPolicy(loadTemplate('research-agent'))
    const decide = (executions: number, attempts: number) =>
      decidePre(policy, createEnvelope('x'), { executions, attempts, toolExecutions: 0 }).decisionName
    expect(decide(49, 99)).toBeNull()
    expect(decide(50, 99)).toBe('session-limits')
    expect(decide(49, 100)).toBe('max_attempts')
  })
})

describe('devops-agent', () => {
  const senior = { principal: { role: 'sre', ticketRef: 'T-1' } }
  it.each([
    ...destructive.map(([tool, args, expected]) => [tool, args, expected, {}] as const),
    ['read_file', { path: 'kubeconfig' }, 'block-sensitive-reads', {}],
    ['deploy_service', {}, null, senior],
    ['deploy_service', {}, null, { principal: { role: 'admin', ticketRef: 'T' } }],
    ['deploy_service', {}, 'prod-deploy-requires-senior', { principal: { role: 'intern', ticketRef: 'T' } }],
    ['deploy_service', {}, 'prod-requires-ticket', { principal: { role: 'sre' } }],
    ['deploy_service', {}, 'prod-requires-ticket', {}],
    ['deploy_service', {}, null, { environment: 'staging' }],
  ] as const)('%s %j: %s %j', (tool, args, expected, options) => {
    expect(stoppedBy('devops-agent', tool, args, options)).toBe(expected)
  })
})

describe('nanobot-agent', () => {
  it.each([
    ['exec', { command: 'ls' }, '?approve-exec'],
    ['spawn', { task: 'x' }, '?approve-spawn'],
    ['cron', { schedule: '* * * * *' }, '?approve-cron'],
    ['mcp_github', {}, '?approve-mcp-tools'],
    ['write_file', { path: '/workspace/a' }, null],
    ['write_file', { path: '/etc/a' }, 'deny-write-outside-workspace'],
    ['write_file', { path: '/workspace/../etc/a' }, 'deny-write-outside-workspace'],
    ['write_file', { path: '/workspacex' }, 'deny-write-outside-workspace'],
    ['write_file', {}, 'deny-write-outside-workspace'],
    ['edit_file', { path: 'a' }, 'deny-edit-outside-workspace'],
    ['edit_file', { path: '/workspace/a' }, null],
    ['read_file', { path: '/x/.env' }, 'deny-sensitive-reads'],
    ['read_file', { path: '/x/tls.key' }, 'deny-sensitive-reads'],
    ['read_file', { path: '/x/a.envx' }, null],
    ['web_search', {}, null],
  ])('%s %j: %s', (tool, args, expected) => {
    expect(stoppedBy('nanobot-agent', tool, args)).toBe(expected)
  })

  it('asks with the command, for 300 seconds; for MCP tools 120', () => {
    const policy = loadPolicy(loadTemplate('nanobot-agent'))
    expect(decidePre(policy, createEnvelope('exec', { command: 'ls -la' }), COUNTERS)).toMatchObject({
      approvalMessage: expect.stringContaining('ls -la'),
      approvalTimeout: 300,
      approvalTimeoutEffect: 'deny',
    })
    expect(decidePre(policy, createEnvelope('mcp_x'), COUNTERS).approvalTimeout).toBe(120)
  })

  it('limits single tools', () => {
    const policy = loadPolicy(loadTemplate('nanobot-agent'))
    expect(['exec', 'spawn', 'cron', 'read_file'].map((tool) => policy.toolLimitFor(tool))).toEqual([20, 5, 10, null])
    expect(decidePre(policy, createEnvelope('spawn'), { ...COUNTERS, toolExecutions: 5 }).action).toBe('deny')
  })
})

describe('coding-assistant-base', () => {
  it.each([
    ['Read', { file_path: '/a/.env' }, 'deny-secret-file-reads'],
    ['Read', { file_path: '/a/.env.local' }, 'deny-secret-file-reads'],
    ['Write', { file_path: '/a/credentials.json' }, 'deny-secret-file-writes'],
    ['Edit', { file_path: '/a/tls.pem' }, 'deny-secret-file-edits'],
    ['Read', { file_path: '/h/.ssh/config' }, 'deny-secret-file-reads'],
    ['Read', { file_path: '/h/.docker/config.json' }, 'deny-secret-file-reads'],
    ['Read', { file_path: '/h/.npmrc' }, 'deny-secret-file-reads'],
    ['Read', { file_path: '/a/main.ts' }, null],
    ['Read', { file_path: '/a/environment.ts' }, null],
    ['Bash', { command: 'printenv' }, 'deny-env-dump-commands'],
    ['Bash', { command: 'env | sort' }, 'deny-env-dump-commands'],
    ['Bash', { command: 'cat .env' }, 'deny-env-dump-commands'],
    ['Bash', { command: 'cat app/.env' }, 'deny-env-dump-commands'],
    ['Bash', { command: 'echo $GITHUB_TOKEN' }, 'deny-env-dump-commands'],
    ['Bash', { command: `echo "$\{API_KEY}"` }, 'deny-env-dump-commands'],
    ['Bash', { command: 'export -p' }, 'deny-env-dump-commands'],
    ['Bash', { command: 'rm -rf /' }, 'deny-destructive-commands'],
    ['Bash', { command: 'rm -fr ~/x' }, 'deny-destructive-commands'],
    ['Bash', { command: 'rm -r -f *' }, 'deny-destructive-commands'],
    ['Bash', { command: 'rm -rf "/"' }, 'deny-destructive-commands'],
    ['Bash', { command: 'rm -rf build' }, null],
    ['Bash', { command: 'mkfs.ext4 /dev/sda' }, 'deny-destructive-commands'],
    ['Bash', { command: 'dd if=/dev/zero of=x' }, 'deny-destructive-commands'],
    ['Bash', { command: 'chmod -R 777 .' }, 'deny-destructive-commands'],
    ['Bash', { command: ':(){ :|:& };:' }, 'deny-destructive-commands'],
    ['Bash', { command: 'git push origin main --force' }, 'deny-dangerous-git'],
    ['Bash', { command: 'git push --force-with-lease' }, 'deny-dangerous-git'],
    ['Bash', { command: 'git push -f' }, 'deny-dangerous-git'],
    ['Bash', { command: 'git reset --hard HEAD~1' }, 'deny-dangerous-git'],
    ['Bash', { command: 'git clean -xdf' }, 'deny-dangerous-git'],
    ['Bash', { command: 'git checkout .' }, 'deny-dangerous-git'],
    ['Bash', { command: 'git checkout -- .' }, 'deny-dangerous-git'],
    ['Bash', { command: 'git branch -D x' }, 'deny-dangerous-git'],
    ['Bash', { command: 'git push origin feature' }, null],
    ['Bash', { command: 'git checkout ./file' }, null],
    ['Bash', { command: 'sudo ls' }, 'deny-system-commands'],
    ['Bash', { command: 'systemctl stop x' }, 'deny-system-commands'],
    ['Bash', { command: 'cat /etc/hosts' }, 'deny-system-commands'],
    ['Bash', { command: 'npm install x' }, 'deny-package-installs'],
    ['Bash', { command: 'pnpm add x' }, 'deny-package-installs'],
    ['Bash', { command: 'pip3 install x' }, 'deny-package-installs'],
    ['Bash', { command: 'go install x' }, 'deny-package-installs'],
    ['Bash', { command: 'npm test' }, null],
    ['Bash', { command: 'go build' }, null],
    ['Read', { file_path: '/h/.edictum/gate.yaml' }, 'deny-gate-config-reads'],
    ['Write', { file_path: '/h/.claude/settings.json' }, 'deny-gate-config-writes'],
    ['Edit', { file_path: '/h/.cursor/hooks.json' }, 'deny-gate-config-edits'],
    ['Bash', { command: 'cat .edictum/gate.yaml' }, 'deny-gate-config-bash-tampering'],
    ['Bash', { command: 'edictum gate uninstall claude' }, 'deny-gate-config-bash-tampering'],
    ['Bash', { command: 'lictor gate uninstall claude' }, 'deny-gate-config-bash-tampering'],
    ['WebFetch', { url: 'x' }, null],
  ])('%s %j: %s', (tool, args, expected) => {
    expect(stoppedBy('coding-assistant-base', tool, args)).toBe(expected)
  })

  it('only watches, except that it guards the gate', () => {
    const policy = loadPolicy(loadTemplate('coding-assistant-base'))
    const action = (tool: string, args: Record<string, unknown>) =>
      decidePre(policy, createEnvelope(tool, args), COUNTERS).action
    expect(action('Bash', { command: 'rm -rf /' })).toBe('allow')
    expect(action('Write', { file_path: '/h/.gemini/settings.json' })).toBe('deny')
    expect(action('Bash', { command: 'vi hooks.json' })).toBe('deny')
  })

  it('classifies its tools', () => {
    const registry = new ToolRegistry(loadPolicy(loadTemplate('coding-assistant-base')).tools)
    expect(registry.classify('Read').sideEffect).toBe('read')
    expect(registry.classify('Write').sideEffect).toBe('irreversible')
  })
})
