import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Installable } from '../../packages/cli/src/gate/install/targets.ts'
import type { ModelCall } from './model.ts'

/** One real assistant, and how it is run without a network. */
export interface Program {
  readonly assistant: Installable
  /** The package and version that is pinned. */
  readonly packed: string
  readonly megabytes: number
  /** The file that is started, below the folder it is installed in. */
  readonly bin: string
  /** Writes what it needs into its own home folder. */
  readonly prepare: (run: Run) => void
  readonly environment: (run: Run) => Readonly<Record<string, string>>
  readonly argv: readonly string[]
  /** What it is told once before, such as where its model is. */
  readonly firstArgv?: (run: Run) => readonly string[]
  readonly argvFor?: (run: Run) => readonly string[]
  readonly shell: (command: string) => ModelCall
  /** The call of the tool `touch` of the MCP server `m`. */
  readonly mcp: (file: string) => ModelCall
  /** How contracts name that call. */
  readonly mcpName: string
  /** A refusal ends its run: the model is asked nothing more. */
  readonly endsWhenRefused?: boolean
  /** Begins a sub-agent that is told this. */
  readonly subAgent?: (prompt: string) => ModelCall
}

export interface Run {
  readonly home: string
  readonly work: string
  readonly model: string
  /** The command line of an MCP server with one tool, `touch`, which makes a file. */
  readonly mcp: readonly [string, ...string[]]
}

const put = (path: string, value: unknown): void => {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value, null, 2))
}
const servers = ({ mcp: [command, ...args] }: Run, more: object = {}) => ({ m: { command, args, ...more } })

export const programs: readonly Program[] = [
  {
    assistant: 'claude-code',
    packed: '@anthropic-ai/claude-code@2.1.332',
    megabytes: 384,
    bin: 'claude',
    prepare: (run) => {
      put(join(run.home, '.claude.json'), { hasCompletedOnboarding: true })
      put(join(run.home, 'mcp.json'), { mcpServers: servers(run) })
    },
    environment: ({ model }) => ({
      ANTHROPIC_BASE_URL: model,
      ANTHROPIC_API_KEY: 'x',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_AUTOUPDATER: '1',
    }),
    argv: [],
    argvFor: ({ home }) => [
      '-p',
      'go',
      '--model',
      'claude-sonnet-4-5',
      '--mcp-config',
      join(home, 'mcp.json'),
      '--allowedTools',
      'Bash',
      'mcp__m__touch',
      'Task',
      'Agent',
    ],
    shell: (command) => ({ tool: 'Bash', args: { command, description: 'd' } }),
    mcp: (file) => ({ tool: 'mcp__m__touch', args: { file } }),
    mcpName: 'mcp__m__touch',
    subAgent: (prompt) => ({ tool: 'Agent', args: { description: 'd', prompt, subagent_type: 'general-purpose' } }),
  },
  {
    assistant: 'codex',
    packed: '@openai/codex@0.171.0',
    megabytes: 424,
    bin: 'codex',
    prepare: (run) => {
      const [command, ...args] = run.mcp
      put(
        join(run.home, '.codex/config.toml'),
        [
          'model = "x"',
          'model_provider = "f"',
          '[model_providers.f]',
          'name = "f"',
          `base_url = "${run.model}/v1"`,
          'wire_api = "responses"',
          'env_key = "K"',
          '[mcp_servers.m]',
          `command = ${JSON.stringify(command)}`,
          `args = ${JSON.stringify(args)}`,
          'required = true',
          '',
        ].join('\n'),
      )
    },
    environment: ({ home }) => ({ K: 'x', CODEX_HOME: join(home, '.codex') }),
    argv: [
      'exec',
      '--skip-git-repo-check',
      '--dangerously-bypass-approvals-and-sandbox',
      '--dangerously-bypass-hook-trust',
      'go',
    ],
    shell: (cmd) => ({ tool: 'exec_command', args: { cmd } }),
    mcp: (file) => ({ tool: 'touch', namespace: 'mcp__m', args: { file } }),
    mcpName: 'mcp__m__touch',
    subAgent: (message) => ({ tool: 'spawn_agent', namespace: 'multi_agent_v1', args: { message } }),
  },
  {
    assistant: 'gemini',
    packed: '@google/gemini-cli@0.61.0',
    megabytes: 100,
    bin: 'gemini',
    prepare: (run) =>
      put(join(run.home, '.gemini/settings.json'), {
        security: { auth: { selectedType: 'gemini-api-key' } },
        mcpServers: servers(run, { trust: true }),
      }),
    environment: ({ model }) => ({
      GEMINI_API_KEY: 'x',
      GOOGLE_GEMINI_BASE_URL: model,
      GEMINI_CLI_TRUST_WORKSPACE: 'true',
    }),
    argv: ['-p', 'go', '-m', 'gemini-2.5-flash', '--yolo'],
    shell: (command) => ({ tool: 'run_shell_command', args: { command } }),
    mcp: (file) => ({ tool: 'mcp_m_touch', args: { file } }),
    mcpName: 'mcp__m__touch',
    subAgent: (prompt) => ({ tool: 'invoke_agent', args: { agent_name: 'generalist', prompt } }),
  },
  {
    assistant: 'copilot',
    packed: '@github/copilot@1.0.102',
    megabytes: 189,
    bin: 'copilot',
    prepare: (run) =>
      put(join(run.home, '.copilot/mcp-config.json'), { mcpServers: servers(run, { type: 'local', tools: ['*'] }) }),
    environment: ({ model }) => ({
      COPILOT_OFFLINE: 'true',
      COPILOT_PROVIDER_BASE_URL: `${model}/v1`,
      COPILOT_PROVIDER_TYPE: 'openai',
      COPILOT_PROVIDER_API_KEY: 'k',
      COPILOT_MODEL: 'gpt-4.1',
    }),
    argv: ['-p', 'go', '--allow-all-tools'],
    shell: (command) => ({ tool: 'bash', args: { command, description: 'd' } }),
    mcp: (file) => ({ tool: 'm-touch', args: { file } }),
    mcpName: 'm-touch',
    subAgent: (prompt) => ({
      tool: 'task',
      args: { prompt, agent_type: 'general-purpose', description: 'd', name: 'n' },
    }),
  },
  {
    assistant: 'opencode',
    packed: 'opencode-ai@1.18.33',
    megabytes: 354,
    bin: 'opencode',
    prepare: (run) =>
      put(join(run.home, '.config/opencode/opencode.json'), {
        provider: {
          f: {
            npm: '@ai-sdk/openai-compatible',
            name: 'f',
            options: { baseURL: `${run.model}/v1`, apiKey: 'k' },
            models: { x: { name: 'x' } },
          },
        },
        model: 'f/x',
        mcp: { m: { type: 'local', command: run.mcp, enabled: true } },
      }),
    environment: () => ({ OPENCODE_DISABLE_MODELS_FETCH: '1', OPENCODE_DISABLE_AUTOUPDATE: '1' }),
    argv: ['run', 'go'],
    shell: (command) => ({ tool: 'bash', args: { command, description: 'd' } }),
    mcp: (file) => ({ tool: 'm_touch', args: { file } }),
    mcpName: 'm_touch',
    subAgent: (prompt) => ({ tool: 'task', args: { prompt, description: 'd', subagent_type: 'general' } }),
  },
  {
    assistant: 'qwen',
    packed: '@qwen-code/qwen-code@0.24.4',
    megabytes: 144,
    bin: 'qwen',
    prepare: (run) =>
      put(join(run.home, '.qwen/settings.json'), {
        security: { auth: { selectedType: 'openai' } },
        mcpServers: servers(run, { trust: true }),
      }),
    environment: ({ model }) => ({ OPENAI_API_KEY: 'k', OPENAI_BASE_URL: `${model}/v1`, OPENAI_MODEL: 'x' }),
    argv: ['-p', 'go', '--yolo'],
    shell: (command) => ({ tool: 'run_shell_command', args: { command, is_background: false, description: 'd' } }),
    mcp: (file) => ({ tool: 'mcp__m__touch', args: { file } }),
    mcpName: 'mcp__m__touch',
    subAgent: (prompt) => ({ tool: 'agent', args: { prompt, description: 'd', subagent_type: 'general-purpose' } }),
  },
  {
    assistant: 'cline',
    packed: 'cline@3.0.65',
    megabytes: 434,
    bin: 'cline',
    prepare: (run) =>
      put(join(run.home, '.cline/data/settings/cline_mcp_settings.json'), {
        mcpServers: servers(run, { autoApprove: ['touch'], disabled: false }),
      }),
    environment: () => ({}),
    endsWhenRefused: true,
    firstArgv: ({ model }) => ['auth', '-p', 'openai-compatible', '-k', 'k', '-m', 'x', '-b', `${model}/v1`],
    argv: ['--json', 'two words'],
    shell: (command) => ({ tool: 'run_commands', args: { commands: [command] } }),
    mcp: (file) => ({ tool: 'm__touch', args: { file } }),
    mcpName: 'm__touch',
    subAgent: (task) => ({ tool: 'spawn_agent', args: { systemPrompt: 's', task } }),
  },
]

/** The program where it is installed; null where it is not. */
export function startable(folder: string, { assistant, bin }: Program): string | null {
  const path = join(folder, assistant, 'node_modules', '.bin', bin)
  return existsSync(path) ? path : null
}
