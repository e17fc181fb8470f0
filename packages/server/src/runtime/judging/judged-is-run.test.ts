import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../test/harness.ts'
import { call, governAgent, types, world } from '../../../test/runtime.ts'

describe('what was judged is what runs', () => {
  let t: TestServer
  afterEach(() => t.close())
  const open = world(async (environment) => {
    t = await startTestServer({ environment: { ...environment, LICTOR_SANDBOX: 'process' } })
    return t
  })
  const spec = { tools: ['read_file', 'write_file', 'list_dir', 'run_command'] }
  const askAll = `
    - { id: secrets, type: pre, tool: "*", when: { args.path: { contains: secret } }, then: { effect: deny, message: Secret. } }
    - { id: ask-read, type: pre, tool: read_file, when: { args.path: { exists: true } }, then: { effect: approve, message: Read? } }
    - { id: ask-write, type: pre, tool: write_file, when: { args.path: { exists: true } }, then: { effect: approve, message: Write? } }
    - { id: ask-run, type: pre, tool: run_command, when: { args.command: { exists: true } }, then: { effect: approve, message: Run? } }
  `
  /** Make the files before the first question, and do `swap` while it waits. */
  async function swapped(turn: object, swap: (root: string) => void) {
    const w = await open([turn, { text: 'Done.' }], spec)
    await governAgent(t, askAll)
    const id = await w.start()
    const root = w.workspace(id)
    const events = await w.decide(id, () => {
      swap(root)
      return true
    })
    return { w, id, root, events, told: w.told(events)[1] ?? '' }
  }
  const prepare = (root: string) => {
    mkdirSync(join(root, 'folder'))
    mkdirSync(join(root, 'secret'))
    writeFileSync(join(root, 'secret/note'), 'the secret')
  }

  const swaps: Readonly<Record<string, (root: string) => void>> = {
    link: (root) => symlinkSync('../secret/note', join(root, 'folder/note')),
    'hard link': (root) => linkSync(join(root, 'secret/note'), join(root, 'folder/note')),
    'renamed parent': (root) => {
      rmSync(join(root, 'folder'), { recursive: true })
      renameSync(join(root, 'secret'), join(root, 'folder'))
    },
  }
  describe.each(Object.entries(swaps))('a file that is exchanged while a person looks (%s)', (_name, swap) => {
    const exchange = (root: string) => {
      prepare(root)
      swap(root)
    }

    it('is not written', async () => {
      const { root, events, told } = await swapped(call('write_file', { path: 'folder/note', content: 'x' }), exchange)
      expect(told).toMatch(/^Denied: /)
      expect(types(events)).toEqual(expect.arrayContaining(['path_traversal_blocked', 'tool_policy_violation']))
      expect(types(events)).not.toContain('tool_invocation_completed')
      const holder = readdirSync(root).includes('secret') ? 'secret/note' : 'folder/note'
      expect(readFileSync(join(root, holder), 'utf8')).toBe('the secret')
    })

    it('is not read', async () => {
      const { told } = await swapped(call('read_file', { path: 'folder/note' }), exchange)
      expect(told).toMatch(/^Denied: /)
      expect(told).not.toContain('the secret')
    })
  })

  it('a working folder that becomes a link while a person looks is not entered', async () => {
    const w = await open(
      [
        call('write_file', { path: 'folder/a', content: 'x' }),
        call('run_command', { command: 'cat note', cwd: 'folder' }),
        { text: 'Done.' },
      ],
      spec,
    )
    await governAgent(t, askAll)
    const id = await w.start()
    const root = w.workspace(id)
    const events = await w.decide(id, ({ tool_name }) => {
      if (tool_name !== 'run_command') return true
      rmSync(join(root, 'folder'), { recursive: true })
      mkdirSync(join(root, 'secret'))
      writeFileSync(join(root, 'secret/note'), 'the secret')
      symlinkSync('secret', join(root, 'folder'))
      return true
    })
    expect(w.told(events)[2]).toMatch(/^Denied: /)
    expect(types(events)).not.toContain('command_execution_started')
  })

  it('a call that waited is judged again by the contracts that hold when it is approved', async () => {
    const w = await open([call('write_file', { path: 'a.txt', content: 'x' }), { text: 'Done.' }], spec)
    await governAgent(t, askAll)
    const id = await w.start()
    const events = await w.decide(id, async () => {
      await governAgent(t, askAll.replace('contains: secret', 'contains: a.txt'))
      return true
    })
    expect(w.told(events)[1]).toBe('Denied: Secret.')
    expect(readdirSync(w.workspace(id))).toEqual([])
    const audit = await t.request({ method: 'GET', url: '/api/v1/events', headers: await t.admin() })
    const verdicts = audit.json().map((one: { verdict: string }) => one.verdict)
    expect(verdicts).toEqual(['call_denied', 'call_approval_granted', 'call_approval_requested'])
  })

  it('links whose target is allowed keep working, and the target is what is judged', async () => {
    const w = await open(
      [
        call('run_command', { command: 'mkdir real secret && echo inside > real/a && echo no > secret/a' }),
        call('run_command', { command: 'ln -s real good && ln -s secret bad' }),
        call('read_file', { path: 'good/a' }),
        call('read_file', { path: 'bad/a' }),
        { text: 'Done.' },
      ],
      spec,
    )
    await governAgent(
      t,
      '[{ id: secrets, type: pre, tool: "*", when: { args.path: { contains: secret } }, then: { effect: deny, message: "Not {args.path}." } }]',
    )
    const { events } = await w.run()
    expect(w.told(events)[3]).toContain('inside')
    expect(w.told(events)[4]).toBe('Denied: Not /workspace/secret/a.')
  })

  it('a command is judged as the line it is, also when it comes in pieces', async () => {
    const split = (words: string[]) => call('run_command', { command: words[0], args: words.slice(1) })
    const pieces = [
      ['git', 'push', '--force'],
      ['git push', '--force'],
      ['git', 'push', 'origin', '--force-with-lease', 'a b'],
    ]
    const w = await open([...pieces.map(split), split(['echo', 'git']), { text: 'Done.' }], spec)
    await governAgent(
      t,
      `[{ id: no-force, type: pre, tool: "*", when: { args.command: { matches: '\\bgit\\s+push\\b.*--force' } }, then: { effect: deny, message: No force. } }]`,
    )
    const { events } = await w.run()
    expect(w.told(events).slice(1, 4)).toEqual(pieces.map(() => 'Denied: No force.'))
    expect(w.told(events)[4]).toContain('git')
    expect(types(events).filter((type) => type === 'command_execution_started')).toHaveLength(1)
  })

  it('a call sets only variables that run nothing', async () => {
    const names = [
      'GIT_EXTERNAL_DIFF',
      'LD_PRELOAD',
      'PATH',
      'PAGER',
      'NODE_OPTIONS',
      'BASH_ENV',
      'node_env',
      '__proto__x',
    ]
    const run = (env_additions: object) => call('run_command', { command: 'echo $NODE_ENV$LC_ALL', env_additions })
    const w = await open(
      [...names.map((name) => run({ [name]: './evil' })), run({ NODE_ENV: 'test', LC_ALL: 'C' }), { text: 'Done.' }],
      spec,
    )
    const { events } = await w.run()
    for (const [index, name] of names.entries())
      expect(w.told(events)[index + 1]).toContain(`Denied: A call may not set '${name}'.`)
    expect(w.told(events)[names.length + 1]).toContain('testC')
    expect(types(events).filter((type) => type === 'command_execution_started')).toHaveLength(1)
  })

  it('what a tool returns is told by head and tail, and is whole in a file that is named', async () => {
    const command = 'echo first; head -c 900000 /dev/zero | tr "\\0" x; echo; echo last'
    const w = await open([call('run_command', { command }), { text: 'Done.' }], spec)
    const { id, answer } = await w.run()
    expect(answer.status).toBe('completed')
    const folder = join(w.workspace(id), '.results')
    const [name = ''] = readdirSync(folder)
    const whole = readFileSync(join(folder, name), 'utf8')
    expect(whole).toMatch(/first\nx{900000}\nlast\n/)
  })
})
