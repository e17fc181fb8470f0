import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type GitServer, startGitServer } from '../../../test/git-server.ts'
import { onEachDatabase, type Start, startTestServer, type TestServer } from '../../../test/harness.ts'
import {
  allEvents,
  call as callOf,
  deployAgent,
  governAgent,
  readStream,
  serviceHeaders,
  startExecution,
} from '../../../test/runtime.ts'
import { sealHand, workloadPrefix } from '../../../test/seal.ts'
import { bubblewrapProblem, findBubblewrap } from '../../adapters/sandbox/bubblewrap.ts'
import { findGit } from './runner.ts'

/** A job of git starts a sandbox, and a test has dozens of them. */
const LONG = { timeout: 300_000 }

const problem =
  (await bubblewrapProblem({
    program: findBubblewrap(),
    runDir: mkdtempSync(join(tmpdir(), 'lictor-git-')),
    node: process.execPath,
  })) ?? (findGit() === null ? 'there is no git' : null)

const HOST = 'git.example'
const names: Record<string, string[]> = {
  [HOST]: ['127.0.0.1'],
  'other.example': ['127.0.0.1'],
  'inside.example': ['10.1.2.3'],
}

interface World {
  readonly t: TestServer
  readonly git: GitServer
  readonly address: string
  readonly headers: Record<string, string>
  /** Call a tool: its result, or what it was told. */
  tool(name: string, args?: object): Promise<Record<string, unknown>>
  /** Call a tool that must fail: why. */
  failing(name: string, args?: object): Promise<string>
  /** Every path of a volume, and the text of those that are asked for. */
  paths(volumeId: string): Promise<string[]>
  text(volumeId: string, path: string): Promise<string>
}

let t: TestServer | undefined
const servers: GitServer[] = []
afterEach(async () => {
  await t?.close()
  t = undefined
  for (const server of servers.splice(0)) await server.close()
})

async function open(
  start: Start = startTestServer,
  options: {
    environment?: Record<string, string>
    login?: string
    redirect?: () => string | null
    context?: string
  } = {},
): Promise<World> {
  const git = await startGitServer(HOST, options)
  servers.push(git)
  const started = await start({
    environment: {
      LICTOR_SANDBOX: 'bubblewrap',
      LICTOR_EGRESS_ALLOW: '127.0.0.1/32',
      LICTOR_GIT_CA: git.authority,
      ...options.environment,
    },
    overrides: {
      resolve: async (name) => {
        const found = names[name]
        if (!found) throw new Error('no such name')
        return found
      },
    },
  })
  t = started
  const address = await started.listen()
  const headers = await serviceHeaders(started, { role: 'aegis:admin' })
  const context = options.context ?? 'aegis-system-operator'
  const { prefix } = await workloadPrefix(started, headers, { workload_id: 'w', allowed_contexts: [context] })
  const seal = await sealHand(started, { security_context: context, workload_id: 'w' }, { prefix })
  const invoke = async (name: string, args: object = {}) => (await seal.call(name, args)).json<Answer>()
  return {
    t: started,
    git,
    address,
    headers,
    async tool(name, args) {
      const answer = await invoke(name, args)
      if (!answer.payload?.result) throw new Error(JSON.stringify(answer))
      return answer.payload.result
    },
    async failing(name, args) {
      const answer = await invoke(name, args)
      const message = answer.payload?.error?.message ?? answer.message
      if (message === undefined) throw new Error(JSON.stringify(answer))
      return message
    },
    async paths(volumeId) {
      const rows = await started.server.database.db
        .selectFrom('volume_files')
        .select('path')
        .where('volume_id', '=', volumeId)
        .where('is_folder', '=', 0)
        .orderBy('path')
        .execute()
      return rows.map(({ path }) => path)
    },
    async text(volumeId, path) {
      const answer = await invoke('aegis.file.read', { volume_id: volumeId, path })
      return String(answer.payload?.result?.content)
    },
  }
}

interface Answer {
  readonly message?: string
  readonly payload?: { readonly result?: Record<string, unknown>; readonly error?: { readonly message: string } }
}

const treeOf = (paths: readonly string[]) => paths.filter((path) => !path.startsWith('.git/'))
const foldersOfWork = (w: World) => {
  try {
    return readdirSync(join(w.t.environment.LICTOR_DATA_DIR ?? '', 'repositories'))
  } catch {
    return []
  }
}

describe.skipIf(problem !== null)('tools over git repositories', () => {
  onEachDatabase('from a clone to a push', (start) => {
    it('a repository is cloned, changed, committed, pushed and refreshed, and each step is told', LONG, async () => {
      const w = await open(start)
      w.git.make('project.git', { 'readme.md': 'one\n', 'src/a.txt': 'a\n' })
      const cloned = await w.tool('aegis.git.clone', { repo_url: `${w.git.address}/project.git`, label: 'project' })
      const [binding_id, volume_id] = [String(cloned.binding_id), String(cloned.volume_id)]
      expect(cloned).toMatchObject({
        status: 'ready',
        label: 'project',
        git_ref: { kind: 'branch', value: 'main' },
        commit_sha: w.git.git('project.git', ['rev-parse', 'main']),
        shallow: true,
      })
      expect(treeOf(await w.paths(volume_id))).toEqual(['readme.md', 'src/a.txt'])
      expect(await w.tool('aegis.git.list')).toMatchObject({ count: 1, repositories: [{ binding_id }] })
      expect(await w.tool('aegis.git.status', { binding_id })).toMatchObject({
        branch: 'main',
        is_clean: true,
        changes: [],
        unpushed_commits: 0,
      })
      expect(await w.failing('aegis.git.commit', { binding_id, message: 'x' })).toContain('nothing to commit')

      await w.tool('aegis.file.write', { volume_id, path: 'readme.md', content: 'two\n' })
      await w.tool('aegis.file.write', { volume_id, path: 'new ü.txt', content: 'new\n' })
      await w.tool('aegis.file.delete', { volume_id, path: 'src/a.txt' })
      expect((await w.tool('aegis.git.status', { binding_id })).changes).toEqual([
        { status: ' M', path: 'readme.md' },
        { status: ' D', path: 'src/a.txt' },
        { status: '??', path: 'new ü.txt' },
      ])
      expect((await w.tool('aegis.git.diff', { binding_id })).diff).toContain('-one\n+two\n')
      expect((await w.tool('aegis.git.diff', { binding_id, staged: true })).diff).toBe('')
      const committed = await w.tool('aegis.git.commit', { binding_id, message: 'Second.\n\nWith a body.' })
      expect(await w.tool('aegis.git.status', { binding_id })).toMatchObject({
        is_clean: true,
        commit_sha: committed.commit_sha,
        unpushed_commits: 1,
      })
      expect(await w.tool('aegis.git.push', { binding_id })).toMatchObject({ ref: 'main', remote: 'origin' })
      expect(w.git.git('project.git', ['log', '-1', '--format=%H %B', 'main'])).toBe(
        `${committed.commit_sha} Second.\n\nWith a body.`,
      )
      expect(
        w.git.git('project.git', ['ls-tree', '-r', '--name-only', '-z', 'main']).split('\0').filter(Boolean),
      ).toEqual(['new ü.txt', 'readme.md'])
      await w.tool('aegis.git.push', { binding_id, ref: 'feature/x' })
      expect(w.git.git('project.git', ['rev-parse', 'feature/x'])).toBe(committed.commit_sha)

      expect(await w.tool('aegis.git.refresh', { binding_id })).toMatchObject({ status: 'unchanged' })
      const third = w.git.commit('project.git', { 'third.txt': 'three\n' })
      expect(await w.tool('aegis.git.refresh', { binding_id })).toEqual({
        binding_id,
        status: 'refreshed',
        old_commit_sha: committed.commit_sha,
        new_commit_sha: third,
      })
      expect(await w.text(volume_id, 'third.txt')).toBe('three\n')

      w.git.commit('project.git', { 'fourth.txt': 'four\n' })
      await w.tool('aegis.file.write', { volume_id, path: 'readme.md', content: 'mine\n' })
      expect(await w.failing('aegis.git.refresh', { binding_id })).toContain('changes of its own')
      expect(await w.text(volume_id, 'readme.md')).toBe('mine\n')
      await w.tool('aegis.git.commit', { binding_id, message: 'Mine.' })
      expect(await w.failing('aegis.git.push', { binding_id })).toMatch(/rejected|fetch first|non-fast-forward/)

      const { used_bytes } = await w.tool('aegis.volume.quota')
      const { db } = w.t.server.database
      const sizes = await db.selectFrom('volume_files').select('size').where('is_folder', '=', 0).execute()
      expect(used_bytes).toBe(sizes.reduce((sum, { size }) => sum + size, 0))
      expect(await w.tool('aegis.git.delete', { binding_id })).toEqual({ status: 'deleted', binding_id, volume_id })
      expect(await w.tool('aegis.volume.list')).toMatchObject({ count: 0 })
      expect(await w.failing('aegis.git.status', { binding_id })).toContain('There is no repository')
      expect(foldersOfWork(w)).toEqual([])
      const told = await db
        .selectFrom('journal_entries')
        .select(['type', 'data'])
        .where('type', 'like', 'git_repo%')
        .orderBy('id')
        .execute()
      expect(told.map(({ type }) => type)).toEqual([
        'git_repo_binding_created',
        'git_repo_clone_started',
        'git_repo_clone_completed',
        'git_repo_commit_made',
        'git_repo_push_completed',
        'git_repo_push_completed',
        'git_repo_refresh_started',
        'git_repo_refresh_completed',
        'git_repo_refresh_started',
        'git_repo_refresh_completed',
        'git_repo_refresh_started',
        'git_repo_refresh_failed',
        'git_repo_commit_made',
        'git_repo_binding_deleted',
      ])
      expect(JSON.parse(told[2]?.data ?? '')).toMatchObject({ id: binding_id, category: 'git_repo' })
    })
  })

  it('a tag, a commit, another branch and a part of the tree are checked out as they are asked for', LONG, async () => {
    const w = await open()
    w.git.make('p.git', { 'a/x.txt': '1', 'b/y.txt': '1', z: '1' })
    const first = w.git.git('p.git', ['rev-parse', 'main'])
    w.git.git('p.git', ['tag', '-a', 'v1', '-m', 'One.', first])
    const second = w.git.commit('p.git', { z: '2' })
    const other = w.git.commit('p.git', { z: '3' }, { branch: 'other' })
    const clone = (label: string, more: object) =>
      w.tool('aegis.git.clone', { repo_url: `${w.git.address}/p.git`, label, ...more })
    expect(await clone('tag', { git_ref: { kind: 'tag', value: 'v1' } })).toMatchObject({ commit_sha: first })
    const byCommit = await clone('commit', { git_ref: { kind: 'commit', value: first } })
    expect(byCommit).toMatchObject({ commit_sha: first })
    expect(await clone('other', { git_ref: { kind: 'branch', value: 'other' }, shallow: false })).toMatchObject({
      commit_sha: other,
    })
    const sparse = await clone('sparse', { sparse_paths: ['a', '/z'] })
    expect(sparse).toMatchObject({ commit_sha: second, sparse_paths: ['a', 'z'] })
    expect(treeOf(await w.paths(String(sparse.volume_id)))).toEqual(['a/x.txt', 'z'])
    expect(await w.tool('aegis.git.status', { binding_id: sparse.binding_id })).toMatchObject({ is_clean: true })
    await w.tool('aegis.file.write', { volume_id: sparse.volume_id, path: 'a/x.txt', content: '4' })
    await w.tool('aegis.git.commit', { binding_id: sparse.binding_id, message: 'Four.' })
    await w.tool('aegis.git.push', { binding_id: sparse.binding_id })
    expect(w.git.git('p.git', ['ls-tree', '-r', '--name-only', 'main'])).toBe('a/x.txt\nb/y.txt\nz')
    expect(await w.failing('aegis.git.commit', { binding_id: byCommit.binding_id, message: 'x' })).toContain(
      'Clone a branch instead',
    )
    expect(await w.tool('aegis.git.refresh', { binding_id: byCommit.binding_id })).toMatchObject({
      status: 'unchanged',
    })
    const none = await w.failing('aegis.git.clone', {
      repo_url: `${w.git.address}/p.git`,
      label: 'none',
      git_ref: { kind: 'branch', value: 'none' },
    })
    expect(none).toContain("couldn't find remote ref")
    expect(await w.failing('aegis.git.clone', { repo_url: `${w.git.address}/no.git`, label: 'none' })).toContain(
      'not found',
    )
    // Of what came to nothing, nothing stays.
    expect(await w.tool('aegis.git.list')).toMatchObject({ count: 4 })
    expect(await w.tool('aegis.volume.list')).toMatchObject({ count: 4 })
  })

  it(
    'a credential reaches its own host and nothing else: no address, no file, no record and no answer holds it',
    LONG,
    async () => {
      const w = await open(startTestServer, { login: 'bot:s3cret-token-value' })
      w.git.make('p.git', { a: '1' })
      const repo_url = `${w.git.address}/p.git`
      expect(await w.failing('aegis.git.clone', { repo_url, label: 'p' })).toMatch(
        /could not read Username|Authentication/,
      )
      const store = async (payload: object) => {
        const answer = await w.t.request({
          method: 'POST',
          url: '/v1/credentials/api-key',
          headers: w.headers,
          payload,
        })
        if (answer.statusCode >= 300) throw new Error(answer.body)
        return answer.json<{ id: string }>().id
      }
      const id = await store({
        provider: 'custom',
        label: 'git',
        value: 's3cret-token-value',
        metadata: { username: 'bot' },
      })
      const wrong = await store({
        provider: 'custom',
        label: 'bad',
        value: 'wr0ng-token-value',
        metadata: { username: 'bot' },
      })
      expect(await w.failing('aegis.git.clone', { repo_url, label: 'p', credential_binding_id: id })).toContain(
        'is not granted to',
      )
      for (const one of [id, wrong]) {
        const answer = await w.t.request({
          method: 'POST',
          url: `/v1/credentials/${one}/grants`,
          headers: w.headers,
          payload: { target_type: 'all_agents' },
        })
        if (answer.statusCode >= 300) throw new Error(answer.body)
      }
      const refused = await w.failing('aegis.git.clone', { repo_url, label: 'p', credential_binding_id: wrong })
      expect(refused).toContain('Authentication failed')
      const cloned = await w.tool('aegis.git.clone', { repo_url, label: 'p', credential_binding_id: id })
      expect(cloned).toMatchObject({ repo_url, credential_binding_id: id })
      const { binding_id, volume_id } = cloned
      await w.tool('aegis.file.write', { volume_id, path: 'a', content: '2' })
      await w.tool('aegis.git.commit', { binding_id, message: 'Two.' })
      await w.tool('aegis.git.push', { binding_id })
      expect(w.git.authorizations).toContain('bot:s3cret-token-value')
      const contents = await Promise.all(
        (await w.paths(String(volume_id))).map((path) => w.text(String(volume_id), path)),
      )
      const { db } = w.t.server.database
      const recorded = [
        ...(await db.selectFrom('journal_entries').selectAll().execute()),
        ...(await db.selectFrom('git_bindings').selectAll().execute()),
      ]
      const everything = JSON.stringify([cloned, refused, contents, recorded])
      for (const secret of ['s3cret-token-value', 'wr0ng-token-value', btoa('bot:s3cret-token-value')])
        expect(everything).not.toContain(secret)
      expect(everything).toContain('credential_accessed')
    },
  )

  it('private addresses, other hosts and redirects are not reached, and the record says so', LONG, async () => {
    let elsewhere: string | null = null
    const w = await open(startTestServer, { redirect: () => elsewhere })
    w.git.make('p.git', { a: '1' })
    const port = new URL(w.git.address).port
    const clone = (repo_url: string) => w.failing('aegis.git.clone', { repo_url, label: 'p' })
    expect(await clone(`https://inside.example:${port}/p.git`)).toContain('blocked address 10.1.2.3')
    // The caller has no execution: the tenant is told.
    const told = await readStream(w.address, '/v1/observability/events?follow=false', w.headers)
    expect(told.filter(({ category }) => category === 'git_repo')).toMatchObject([
      { type: 'git_repo_binding_created' },
      { type: 'git_repo_clone_started' },
      { type: 'git_repo_clone_failed', error: expect.stringContaining('blocked address') },
    ])
    expect(await clone(`https://169.254.169.254/p.git`)).toContain('blocked address 169.254.169.254')
    expect(await clone(`https://unheard.example/p.git`)).toMatch(/no such name|502/)
    expect(await clone(`https://other.example:${port}/p.git`)).toMatch(/certificate|SSL/)
    elsewhere = `https://other.example:${port}`
    const asked = w.git.asked.length
    expect(await clone(`${w.git.address}/p.git`)).toContain('redirects are not followed')
    expect(w.git.asked).toHaveLength(asked + 1)
    for (const [repo_url, why] of [
      [`http://${HOST}:${port}/p.git`, 'https: alone'],
      ['ext::sh -c id', 'https: alone'],
      ['file:///etc', 'https: alone'],
      [`https://u:p@${HOST}/p.git`, 'user or a password'],
    ] as const)
      expect(await clone(repo_url)).toContain(why)
    const reserved = { repo_url: `${w.git.address}/p.git`, label: 'chat-attachments' }
    expect(await w.failing('aegis.git.clone', reserved)).toContain('is reserved')
    expect(await w.tool('aegis.volume.list')).toMatchObject({ count: 0 })
    const denied = await w.t.server.database.db
      .selectFrom('journal_entries')
      .select('data')
      .where('type', '=', 'network_access_denied')
      .execute()
    expect(denied.map(({ data }) => (JSON.parse(data) as { host: string }).host)).toContain('inside.example')
  })

  it(
    'a hostile repository runs nothing and leads nowhere: links, submodules, filters, settings, hooks',
    LONG,
    async () => {
      const w = await open()
      w.git.make('p.git', { a: '1' })
      const link = w.git.git('p.git', ['hash-object', '-w', '--stdin'], { input: '/etc/passwd' })
      const head = w.git.git('p.git', ['rev-parse', 'main'])
      w.git.commit(
        'p.git',
        {
          '.gitattributes': '* filter=evil diff=evil merge=evil\n',
          '.gitmodules': `[submodule "sub"]\n\tpath = sub\n\turl = ${w.git.address}/sub.git\n\tupdate = !touch /workspace/pwned-sub\n`,
          'sub2/x': '1',
        },
        { entries: [`120000,${link},link`, `160000,${head},sub`] },
      )
      const { binding_id, volume_id } = await w.tool('aegis.git.clone', {
        repo_url: `${w.git.address}/p.git`,
        label: 'p',
      })
      // A link is a file that says where it would lead.
      expect(await w.text(String(volume_id), 'link')).toBe('/etc/passwd')
      expect(w.git.asked.filter((line) => line.includes('sub.git'))).toEqual([])
      const evil = (name: string) => `touch /workspace/pwned-${name}; echo 0`
      const config = [
        '[core]',
        `\tfsmonitor = "${evil('fsmonitor')}"`,
        `\tpager = "${evil('pager')}"`,
        `\tsshCommand = "${evil('ssh')}"`,
        `\teditor = "${evil('editor')}"`,
        '\thooksPath = /workspace/hooks',
        '\tworktree = /etc',
        `[filter "evil"]`,
        `\tclean = "${evil('clean')}"`,
        `\tsmudge = "${evil('smudge')}"`,
        '[diff "evil"]',
        `\ttextconv = "${evil('textconv')}"`,
        `\tcommand = "${evil('diff')}"`,
        '[credential]',
        `\thelper = "!${evil('helper')}"`,
        '[remote "origin"]',
        `\turl = ext::sh -c ${JSON.stringify(evil('ext'))}`,
        `[url "ext::sh -c touch% /workspace/pwned-url "]`,
        `\tinsteadOf = https://`,
        '[include]',
        '\tpath = /workspace/included',
      ].join('\n')
      const hook = `#!/bin/sh\ntouch /workspace/pwned-hook\n`
      const write = (path: string, content: string) => w.tool('aegis.file.write', { volume_id, path, content })
      await write('.git/config', config)
      await write('included', config)
      for (const name of [
        'pre-commit',
        'post-commit',
        'commit-msg',
        'pre-push',
        'post-checkout',
        'reference-transaction',
      ])
        for (const folder of ['.git/hooks', 'hooks']) await write(`${folder}/${name}`, hook)
      await write('.git/info/attributes', '* filter=evil\n')
      await write('.git/objects/info/alternates', '/etc\n')
      // A repository within the repository, which git would look into.
      await write('sub2/.git/config', config)
      await write('sub2/.git/HEAD', 'ref: refs/heads/main\n')
      await write('sub/.git', 'gitdir: /workspace/sub2/.git\n')
      await write('a', '2')
      expect((await w.tool('aegis.git.status', { binding_id })).changes).toContainEqual({ status: ' M', path: 'a' })
      expect((await w.tool('aegis.git.diff', { binding_id })).diff).toContain('-1\n')
      await w.tool('aegis.git.commit', { binding_id, message: 'Mine.' })
      await w.tool('aegis.git.push', { binding_id })
      w.git.commit('p.git', { b: '1' })
      expect(await w.tool('aegis.git.refresh', { binding_id })).toMatchObject({ status: 'refreshed' })
      const paths = await w.paths(String(volume_id))
      expect(paths.filter((path) => path.includes('pwned'))).toEqual([])
      expect(await w.text(String(volume_id), '.git/config')).not.toContain('touch')
      expect(w.git.git('p.git', ['ls-tree', '-r', '--name-only', 'main']).split('\n')).not.toContain('sub2/.git/config')
    },
  )

  it('a repository that is larger than its volume may be is not taken, and leaves nothing', LONG, async () => {
    const w = await open(startTestServer, { environment: { LICTOR_VOLUME_TIER: 'free' } })
    w.git.make('p.git', { a: '1' })
    // What does not compress: 12 MiB, in a tier whose rest is 8 MiB.
    const noise = Buffer.alloc(12 * 1024 ** 2)
    for (let at = 0, state = 1; at < noise.length; at++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      noise[at] = state >>> 24
    }
    const blob = w.git.git('p.git', ['hash-object', '-w', '--stdin'], { input: noise })
    w.git.commit('p.git', {}, { entries: [`100644,${blob},large`] })
    await w.tool('aegis.volume.create', { label: 'rest', size_limit_bytes: 492 * 1024 ** 2 })
    const repo_url = `${w.git.address}/p.git`
    expect(await w.failing('aegis.git.clone', { repo_url, label: 'p', sparse_paths: ['a'] })).toContain(
      'allows no sparse_paths',
    )
    expect(await w.failing('aegis.git.clone', { repo_url, label: 'p' })).toContain(
      'does not fit into the 8388608 bytes',
    )
    expect(await w.tool('aegis.volume.list')).toMatchObject({ count: 1 })
    expect(await w.tool('aegis.git.list')).toMatchObject({ count: 0 })
    expect(foldersOfWork(w)).toEqual([])
    const small = w.git.commit('p.git', { b: '1' }, { branch: 'small', parent: null })
    const git_ref = { kind: 'branch', value: 'small' }
    expect(await w.tool('aegis.git.clone', { repo_url, label: 'p', git_ref })).toMatchObject({ commit_sha: small })
  })

  it('where a repository is, is judged also of calls that name it by its id', LONG, async () => {
    const w = await open(startTestServer, { environment: { LICTOR_VOLUME_TIER: 'pro' } })
    w.git.make('p.git', { a: '1' })
    const { binding_id } = await w.tool('aegis.git.clone', { repo_url: `${w.git.address}/p.git`, label: 'p' })
    await w.t.request({
      method: 'POST',
      url: '/v1/security-contexts',
      headers: w.headers,
      payload: {
        name: 'elsewhere',
        capabilities: [{ tool_pattern: 'aegis.git.*', domain_allowlist: ['github.com'] }],
      },
    })
    const spec = {
      tools: ['aegis.git.push', 'aegis.git.refresh', 'aegis.git.clone'],
      security_context: 'aegis-system-operator',
    }
    const turns = [
      callOf('aegis.git.push', { binding_id }),
      callOf('aegis.git.refresh', { binding_id }),
      callOf('aegis.git.clone', { repo_url: `${w.git.address}/p.git`, label: 'q' }),
      { text: 'Done.' },
    ]
    const run = async (name: string, more: object) => {
      const agent = await deployAgent(
        w.t,
        w.headers,
        { ...spec, runtime: { language: 'javascript', version: '20', model: 'scripted' }, ...more },
        { name, annotations: { 'lictor.dev/script': JSON.stringify({ turns }) } },
      )
      return agent
    }
    const told = async (agent: string) => {
      const id = await startExecution(w.t, w.headers, agent)
      const events = await allEvents(w.address, w.headers, id)
      return events.filter(({ type }) => type === 'tool_policy_violation').map(({ details }) => JSON.stringify(details))
    }
    const byContext = await told(await run('narrow', { security_context: 'elsewhere' }))
    expect(byContext).toEqual(Array(3).fill(expect.stringContaining('is outside github.com')))
    const governed = await run('governed', {})
    await governAgent(
      w.t,
      "- {id: hosts, type: sandbox, tools: ['aegis.git.*'], allows: {domains: [github.com]}, message: elsewhere}",
      'governed',
    )
    expect(await told(governed)).toEqual(Array(3).fill(expect.stringContaining('elsewhere')))
  })

  it('of somebody else is not there', LONG, async () => {
    const w = await open()
    w.git.make('p.git', { a: '1' })
    const { binding_id } = await w.tool('aegis.git.clone', { repo_url: `${w.git.address}/p.git`, label: 'p' })
    const { db } = w.t.server.database
    await db.updateTable('git_bindings').set({ tenant_id: 'another' }).execute()
    for (const name of ['status', 'diff', 'refresh', 'push', 'delete'])
      expect(await w.failing(`aegis.git.${name}`, { binding_id })).toContain('There is no repository')
    expect(await w.tool('aegis.git.list')).toMatchObject({ count: 0 })
  })

  it('on which somebody works is left alone until they are done, or have crashed', LONG, async () => {
    const w = await open()
    w.git.make('p.git', { a: '1' })
    const { binding_id } = await w.tool('aegis.git.clone', { repo_url: `${w.git.address}/p.git`, label: 'p' })
    const { db } = w.t.server.database
    await db
      .updateTable('git_bindings')
      .set({ busy_until: w.t.clock.now() * 1000 + 1 })
      .execute()
    expect(await w.failing('aegis.git.refresh', { binding_id })).toContain('Somebody works on this repository')
    expect(await w.failing('aegis.git.delete', { binding_id })).toContain('Somebody works on this repository')
    await db
      .updateTable('git_bindings')
      .set({ busy_until: w.t.clock.now() * 1000 })
      .execute()
    expect(await w.tool('aegis.git.refresh', { binding_id })).toMatchObject({ status: 'unchanged' })
  })
})

describe('without a sandbox', () => {
  it('nothing is cloned, and what is missing is named', LONG, async () => {
    const w = await open(startTestServer, { environment: { LICTOR_SANDBOX: 'process' } })
    expect(await w.failing('aegis.git.clone', { repo_url: `${w.git.address}/p.git`, label: 'p' })).toContain(
      findGit() === null ? 'There is no git' : "run in bubblewrap alone, and the sandbox of this server is 'process'",
    )
    expect(await w.tool('aegis.volume.list')).toMatchObject({ count: 0 })
  })
})
