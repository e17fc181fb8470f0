import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { ASSISTANT_NAMES, type AssistantName } from '../src/gate/assistants/assistant.ts'
import { createGateBench, type GateBench, gateBundle } from './gate-bench.ts'

const NO_ENV_EDIT =
  "{id: no-env, type: pre, tool: Edit, when: {args.file_path: {matches: '/work/src/\\.env$'}}, then: {effect: deny, message: 'not {args.file_path}'}}"
const NO_TOUCH =
  '{id: no-touch, type: pre, tool: Bash, when: {args.command: {contains: touch}}, then: {effect: deny, message: no touch}}'

const benches: GateBench[] = []
const bench = (...made: Parameters<typeof createGateBench>): GateBench => {
  const one = createGateBench(...made)
  benches.push(one)
  return one
}
afterEach(() => {
  for (const one of benches.splice(0)) one.close()
})

/** A shell command, as each assistant puts it. */
const shell: Readonly<Record<AssistantName, (command: string, cwd: string) => object>> = {
  'claude-code': (command, cwd) => ({
    hook_event_name: 'PreToolUse',
    session_id: 's',
    cwd,
    tool_name: 'Bash',
    tool_input: { command },
    tool_use_id: 't1',
  }),
  codex: (command, cwd) => ({
    hook_event_name: 'PreToolUse',
    session_id: 's',
    cwd,
    tool_name: 'Bash',
    tool_input: { command },
    tool_use_id: 't1',
  }),
  qwen: (command, cwd) => ({
    hook_event_name: 'PreToolUse',
    session_id: 's',
    cwd,
    tool_name: 'run_shell_command',
    tool_input: { command },
    tool_use_id: 'x',
    tool_call_id: 't1',
  }),
  gemini: (command, cwd) => ({
    hook_event_name: 'BeforeTool',
    session_id: 's',
    cwd,
    tool_name: 'run_shell_command',
    tool_input: { command },
  }),
  copilot: (command, cwd) => ({
    sessionId: 's',
    timestamp: 1,
    cwd,
    toolName: 'bash',
    toolArgs: { command, description: 'd' },
  }),
  cursor: (command, cwd) => ({
    hook_event_name: 'preToolUse',
    conversation_id: 's',
    cursor_version: '2',
    workspace_roots: [cwd],
    tool_name: 'Shell',
    tool_input: { command },
  }),
  opencode: (command, directory) => ({ tool: 'bash', args: { command }, directory, sessionID: 's', callID: 't1' }),
  cline: (command, cwd) => ({
    hookName: 'tool_call',
    taskId: 's',
    workspaceRoots: [cwd],
    tool_call: { id: 't1', name: 'run_commands', input: { commands: ['ls', command] } },
  }),
  raw: (command, cwd) => ({ cwd, tool_name: 'Bash', tool_input: { command } }),
}

/** An edit of `src/.env`, as each assistant puts it. */
const edit: Readonly<Record<AssistantName, (cwd: string) => object>> = {
  'claude-code': (cwd) => ({
    cwd,
    tool_name: 'Edit',
    tool_input: { file_path: `${cwd}/src/.env`, old_string: 'a', new_string: 'b' },
  }),
  codex: (cwd) => ({
    cwd,
    tool_name: 'apply_patch',
    tool_input: {
      command: '*** Begin Patch\n*** Update File: a.txt\n@@\n-a\n+b\n*** Add File: src/.env\n+x\n*** End Patch',
    },
  }),
  qwen: (cwd) => ({
    cwd,
    tool_name: 'edit',
    tool_input: { file_path: `${cwd}/src/.env`, old_string: 'a', new_string: 'b' },
  }),
  gemini: (cwd) => ({
    cwd,
    tool_name: 'replace',
    tool_input: { file_path: 'src/.env', old_string: 'a', new_string: 'b' },
  }),
  copilot: (cwd) => ({
    cwd,
    toolName: 'edit',
    toolArgs: JSON.stringify({ path: 'src/.env', old_str: 'a', new_str: 'b' }),
  }),
  cursor: (cwd) => ({ cursor_version: '2', cwd, tool_name: 'Edit', tool_input: { file_path: `${cwd}/src/.env` } }),
  opencode: (directory) => ({
    tool: 'edit',
    args: { filePath: 'src/.env', oldString: 'a', newString: 'b' },
    directory,
  }),
  cline: (cwd) => ({
    hookName: 'tool_call',
    workspaceRoots: [cwd],
    tool_call: { name: 'editor', input: { path: './src/.env', new_text: 'b' } },
  }),
  raw: (cwd) => ({ cwd, tool_name: 'Edit', tool_input: { file_path: `${cwd}/src/.env` } }),
}

const REFUSAL: Readonly<Record<AssistantName, (reason: string) => object>> = {
  'claude-code': claudes,
  codex: claudes,
  qwen: claudes,
  gemini: (reason) => ({ decision: 'deny', reason }),
  cursor: (reason) => ({ decision: 'deny', reason }),
  copilot: (reason) => ({ permissionDecision: 'deny', permissionDecisionReason: reason }),
  opencode: (reason) => ({ allow: false, reason }),
  cline: (reason) => ({ cancel: true, errorMessage: reason }),
  raw: (reason) => ({ verdict: 'deny', reason }),
}
function claudes(reason: string): object {
  return {
    hookSpecificOutput: { hookEventName: 'PreToolUse', permissionDecision: 'deny', permissionDecisionReason: reason },
  }
}

describe.each(ASSISTANT_NAMES)('%s', (format) => {
  test('a refused command is refused by its own word, the code and the reason at once', async () => {
    const gate = bench(gateBundle([NO_TOUCH]))
    const { stdout, stderr, code } = await gate.ask(format, shell[format]('touch x', gate.work))
    if (format === 'raw') {
      expect(JSON.parse(stdout)).toEqual({
        verdict: 'deny',
        contracts_evaluated: 1,
        contract_id: 'no-touch',
        reason: 'no touch',
      })
      expect({ stderr, code }).toEqual({ stderr: '', code: 1 })
      return
    }
    expect(JSON.parse(stdout)).toEqual(REFUSAL[format]("Contract 'no-touch': no touch"))
    expect({ stderr, code }).toEqual({ stderr: "Contract 'no-touch': no touch\n", code: 2 })
  })

  test('an allowed command is never permitted in words', async () => {
    const gate = bench(gateBundle([NO_TOUCH]))
    const { stdout, stderr, code } = await gate.ask(format, shell[format]('ls', gate.work))
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
    const words = { raw: '{"verdict":"allow","contracts_evaluated":1}\n', opencode: '{"allow":true}\n' }
    if (format === 'cline') expect(gate.events().map(({ tool_name }) => tool_name)).toEqual(['Bash', 'Bash'])
    expect(stdout).toBe(words[format as keyof typeof words] ?? '')
  })

  test('one contract for Edit holds, whatever the tool, its arguments and a relative path are called', async () => {
    const gate = bench(gateBundle([NO_ENV_EDIT]))
    const { stdout, code } = await gate.ask(format, edit[format](gate.work))
    expect(stdout).toContain(`not ${gate.work}/src/.env`)
    expect(code).not.toBe(0)
    const recorded = gate.events().at(-1)
    expect(recorded).toMatchObject({ tool_name: 'Edit', verdict: 'call_denied', payload: { decision_name: 'no-env' } })
    expect(recorded?.payload.tool_args.file_path).toBe(`${gate.work}/src/.env`)
  })

  test.each([
    ['no JSON', '{"tool_name":'],
    ['nothing', ''],
    ['a list', '[]'],
    ['no tool', '{}'],
    [
      'a tool that is no text',
      JSON.stringify({ tool_name: 1, toolName: 1, tool: 1, tool_call: { name: 1 }, tool_input: {} }),
    ],
    [
      'control characters',
      JSON.stringify({ tool_name: 'a\u0007', toolName: 'a\u0007', tool: 'a\u0007', tool_call: { name: 'a\u0007' } }),
    ],
    [
      'arguments that are none',
      JSON.stringify({
        tool_name: 'Bash',
        toolName: 'bash',
        tool: 'bash',
        tool_input: null,
        toolArgs: '{"command":',
        args: 'x',
        tool_call: { name: 'editor', input: [] },
      }),
    ],
  ])('%s is refused, also where the gate is told to fail open', async (_, text) => {
    const gate = bench(null, 'fail_open: true\n')
    const { stdout, code } = await gate.ask(format, text)
    expect(code).not.toBe(0)
    expect(JSON.stringify(JSON.parse(stdout))).toMatch(/deny|"allow":false|"cancel":true/)
  })
})

describe('the question', () => {
  test('of an event that the gate is not for is refused', async () => {
    const gate = bench(gateBundle([]))
    const answer = await gate.ask('claude-code', {
      ...shell['claude-code']('ls', gate.work),
      hook_event_name: 'PostToolUse',
    })
    expect(answer.stderr).toBe('The gate is for the event PreToolUse, and was called for "PostToolUse"\n')
  })

  test('in the form of Claude Code that Cursor puts is answered as Cursor reads it', async () => {
    const gate = bench(gateBundle([NO_TOUCH]))
    const answer = await gate.ask('claude-code', shell.cursor('touch x', gate.work))
    expect(JSON.parse(answer.stdout)).toEqual({ decision: 'deny', reason: "Contract 'no-touch': no touch" })
  })

  test('about a tool of an MCP server has one name in the assistants that tell the server', async () => {
    const gate = bench(
      gateBundle([
        '{id: no-mcp, type: pre, tool: mcp__db__drop, when: {tool.name: {exists: true}}, then: {effect: deny, message: not this}}',
      ]),
    )
    const asked: [AssistantName, object][] = [
      ['claude-code', { tool_name: 'mcp__db__drop', tool_input: {}, mcp_server: { name: 'db' } }],
      ['codex', { tool_name: 'mcp__db__drop', tool_input: {} }],
      ['qwen', { tool_name: 'mcp__db__drop', tool_input: {} }],
      ['gemini', { tool_name: 'mcp_db_drop', tool_input: {}, mcp_context: { server_name: 'db', tool_name: 'drop' } }],
    ]
    for (const [format, question] of asked)
      expect([format, JSON.stringify(await gate.ask(format, question))]).toEqual([
        format,
        expect.stringContaining("Contract 'no-mcp': not this"),
      ])
  })

  test('of a sub-agent is judged, and recorded as that', async () => {
    const gate = bench(gateBundle([NO_TOUCH]))
    const answer = await gate.ask('claude-code', { ...shell['claude-code']('touch x', gate.work), agent_id: 'a7' })
    expect(answer.code).toBe(2)
    expect(gate.events()[0]?.payload).toMatchObject({ sub_agent: 'a7', assistant: 'claude-code', cwd: gate.work })
  })

  test('with an argument under two names that differ is refused', async () => {
    const gate = bench(gateBundle([]))
    const answer = await gate.ask('opencode', {
      tool: 'read',
      args: { filePath: 'a', file_path: 'b' },
      directory: gate.work,
    })
    expect(answer.stderr).toBe("The call has both 'filePath' and 'file_path', and they differ\n")
  })

  test('that is longer than 10 MiB is refused', async () => {
    const gate = bench(gateBundle([]))
    const ran = await gate.run([], Buffer.alloc(10 * 1024 * 1024 + 1, 0x20))
    expect(ran).toMatchObject({ code: 2, err: 'The question has 10485761 bytes; at most 10485760 are read\n' })
  })

  test('that never ends is refused before the assistant loses its patience', async () => {
    const gate = bench(gateBundle([]))
    const ran = await gate.run(['--timeout', '3'], '{"tool_name":', { keepOpen: true })
    expect(ran.out).toContain('"permissionDecision":"deny"')
    expect(ran.err).toBe('The gate did not decide within 2 s\n')
    expect(ran.code).not.toBe(0)
  })
})

describe('contracts', () => {
  const RM_WATCHED =
    '{id: watched, type: pre, tool: Bash, mode: observe, when: {args.command: {contains: rm}}, then: {effect: deny, message: watched}}'
  const RM =
    '{id: no-rm, type: pre, tool: Bash, mode: enforce, when: {args.command: {contains: rm}}, then: {effect: deny, message: no rm}}'

  test('one that only observes, and fires first, takes nothing away from one that enforces', async () => {
    for (const mode of ['enforce', 'observe']) {
      const gate = bench(gateBundle([RM_WATCHED, RM], mode))
      expect(JSON.parse((await gate.ask('raw', shell.raw('rm x', gate.work))).stdout)).toMatchObject({
        verdict: 'deny',
        contract_id: 'no-rm',
      })
    }
  })

  test('that only observe let the call run, and say what they would have done', async () => {
    const gate = bench(gateBundle([NO_TOUCH], 'observe'))
    const answer = await gate.ask('raw', shell.raw('touch x', gate.work))
    expect(JSON.parse(answer.stdout)).toEqual({
      verdict: 'allow',
      contracts_evaluated: 1,
      contract_id: 'no-touch',
      reason: 'no touch',
    })
    expect(gate.events().map(({ verdict, mode }) => [verdict, mode])).toEqual([
      ['call_would_deny', 'observe'],
      ['call_allowed', 'enforce'],
    ])
  })

  test('that are not there, or do not load, refuse; with fail_open they let run', async () => {
    for (const [contracts, reason] of [
      [null, /There are no contracts/],
      ['contracts: [', /cannot be loaded/],
    ] as const) {
      const closed = bench(contracts)
      expect((await closed.ask('claude-code', shell['claude-code']('ls', closed.work))).stderr).toMatch(reason)
      const open = bench(contracts, 'fail_open: true\n')
      expect((await open.ask('claude-code', shell['claude-code']('ls', open.work))).code).toBe(0)
    }
  })

  test('that were changed hold at the next call, and so do settings', async () => {
    const gate = bench(gateBundle([]))
    const asked = () => gate.ask('claude-code', shell['claude-code']('touch x', gate.work))
    expect((await asked()).code).toBe(0)
    expect((await asked()).code).toBe(0)
    gate.write('.lictor/contracts/base.yaml', gateBundle([NO_TOUCH]))
    expect((await asked()).code).toBe(2)
    gate.write('.lictor/gate.yaml', 'contracts: [~/other.yaml]\n')
    expect((await asked()).stderr).toMatch(/There are no contracts/)
    gate.write('.lictor/gate.yaml', 'contract: []\n')
    expect((await asked()).stderr).toMatch(/'contract' is not a setting/)
  })

  test('that were kept for the next call in a file nobody can read any more are read anew', async () => {
    const gate = bench(gateBundle([NO_TOUCH]))
    const asked = () => gate.ask('claude-code', shell['claude-code']('touch x', gate.work))
    expect((await asked()).code).toBe(2)
    gate.write('.lictor/gate/contracts.cache', 'rubbish')
    expect((await asked()).code).toBe(2)
  })

  test('that ask a person refuse where there is no console', async () => {
    const gate = bench(
      gateBundle([
        '{id: ask, type: pre, tool: Bash, when: {tool.name: {exists: true}}, then: {effect: approve, message: "really?"}}',
      ]),
    )
    expect((await gate.ask('claude-code', shell['claude-code']('ls', gate.work))).stderr).toMatch(
      /Approval required .*really\?/,
    )
  })
})

describe('the scope', () => {
  const write = (cwd: string, file_path: string) => ({
    cwd,
    tool_name: 'Write',
    tool_input: { file_path, content: 'x' },
  })

  test('holds writing below the folder of the session and those of the allow-list, through links', async () => {
    const gate = bench(gateBundle([]), `scope_allowlist: [${JSON.stringify('~/notes')}]\n`)
    mkdirSync(join(gate.home, 'notes'))
    symlinkSync('/etc', join(gate.work, 'out'))
    const verdicts = [
      [`${gate.work}/a`, 0],
      [gate.work, 0],
      [`${gate.home}/notes/a`, 0],
      ['/etc/x', 2],
      [`${gate.work}/out/x`, 2],
      [`${gate.work}/../x`, 2],
      [`${gate.work}x/y`, 2],
    ] as const
    for (const [path, code] of verdicts)
      expect([path, (await gate.ask('claude-code', write(gate.work, path))).code]).toEqual([path, code])
    expect(gate.events().at(-1)?.payload).toMatchObject({
      decision_name: 'gate-scope-enforcement',
      decision_source: 'gate_scope',
    })
  })

  test('holds what Copilot and Cline call a path, and every file of a patch', async () => {
    const gate = bench(gateBundle([]))
    const patch = '*** Begin Patch\n*** Update File: a\n*** Move to: ../../b\n*** End Patch'
    const asked: [AssistantName, object][] = [
      ['copilot', { cwd: gate.work, toolName: 'create', toolArgs: { path: '/etc/x', file_text: '' } }],
      [
        'cline',
        {
          hookName: 'tool_call',
          workspaceRoots: [gate.work],
          tool_call: { name: 'editor', input: { path: '../x', new_text: '' } },
        },
      ],
      ['codex', { cwd: gate.work, tool_name: 'apply_patch', tool_input: { command: patch } }],
    ]
    for (const [format, question] of asked)
      expect((await gate.ask(format, question)).stderr).toMatch(/gate-scope-enforcement/)
  })

  test('never holds the gate open to its own changes, wherever the session works and also where the bundle only observes', async () => {
    for (const mode of ['enforce', 'observe']) {
      const gate = bench(gateBundle([], mode))
      for (const path of ['.lictor/gate.yaml', '.lictor/contracts/base.yaml', '.lictor/gate/new'])
        expect((await gate.ask('claude-code', write(gate.home, join(gate.home, path)))).stderr).toContain(
          "is the gate's own",
        )
      expect((await gate.ask('claude-code', write(gate.home, join(gate.home, '.lictor-notes')))).code).toBe(0)
    }
  })

  test('only tells where the bundle only observes', async () => {
    const gate = bench(gateBundle([], 'observe'))
    expect((await gate.ask('claude-code', write(gate.work, '/etc/x'))).code).toBe(0)
    expect(gate.events().map(({ verdict }) => verdict)).toContain('call_would_deny')
  })
})

describe('the record', () => {
  test('holds no secret', async () => {
    const gate = bench(gateBundle([]), "redaction: {patterns: ['house-[0-9]+']}\n")
    await gate.ask(
      'raw',
      shell.raw(
        'curl -H "Authorization: Bearer abcdef0123456789abcdef" x; echo AKIAABCDEFGHIJKLMNOP house-42',
        gate.work,
      ),
    )
    const text = gate.read('.lictor/gate/audit.jsonl')
    for (const secret of ['abcdef0123456789', 'AKIAABCDEFGHIJKLMNOP', 'house-42']) expect(text).not.toContain(secret)
  })

  test('is not written through a link, and its failure decides nothing', async () => {
    const gate = bench(gateBundle([NO_TOUCH]))
    const elsewhere = join(gate.home, 'elsewhere')
    writeFileSync(elsewhere, '')
    mkdirSync(join(gate.home, '.lictor/gate'), { recursive: true })
    symlinkSync(elsewhere, join(gate.home, '.lictor/gate/audit.jsonl'))
    expect((await gate.ask('raw', shell.raw('touch x', gate.work))).code).toBe(1)
    expect((await gate.ask('raw', shell.raw('ls', gate.work))).code).toBe(0)
    expect(gate.read('elsewhere')).toBe('')
  })

  test('keeps one file of its kind when it has grown too large', async () => {
    const gate = bench(gateBundle([]), 'audit: {max_buffer_size_mb: 0.0001}\n')
    for (let i = 0; i < 4; i++) await gate.ask('raw', shell.raw(`ls ${i}`, gate.work))
    expect(gate.read('.lictor/gate/audit.jsonl.1')).toContain('ls 3')
  })
})
