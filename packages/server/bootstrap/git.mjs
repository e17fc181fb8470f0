#!/usr/bin/env node
// Runs git for the tools over repositories, inside a sandbox, for Node 18 and later, without dependencies.
//
// It takes one job as JSON on standard input, works in the current folder, and prints one JSON object: `{"done": …}`, or
// `{"failed": "why"}`. The repository is nobody's friend: no hook, filter, pager, submodule or setting of it is heeded. What git is
// told stands in the environment here, and `.git/config` is written anew by each job that needs it.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'

const TREE = process.cwd()
const GIT_DIR = `${TREE}/.git`
const CREDENTIAL = '/tmp/credential'
const AUTHORITIES = '/tmp/authorities.pem'
const SYSTEM_AUTHORITIES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/cert.pem',
]
const MOST_ERROR_BYTES = 8_192
const MOST_LIST_BYTES = 4 * 1024 * 1024
const MOST_DIFF_BYTES = 192 * 1024
const MOST_CHANGES = 1_000

/** A reason that the caller is told. */
class Failed extends Error {}

/** What git must not learn from the repository, nor from this machine. */
const settings = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.untrackedCache', 'false'],
  ['core.attributesFile', '/dev/null'],
  ['core.excludesFile', '/dev/null'],
  ['core.pager', 'cat'],
  ['core.editor', 'true'],
  ['core.askPass', ''],
  ['core.symlinks', 'false'],
  ['core.fileMode', 'false'],
  ['core.autocrlf', 'false'],
  ['core.protectHFS', 'true'],
  ['core.protectNTFS', 'true'],
  ['core.logAllRefUpdates', 'false'],
  ['core.quotePath', 'false'],
  ['init.templateDir', ''],
  ['protocol.allow', 'never'],
  ['protocol.https.allow', 'always'],
  ['http.followRedirects', 'false'],
  ['http.sslVerify', 'true'],
  ['credential.helper', ''],
  ['submodule.recurse', 'false'],
  ['fetch.recurseSubmodules', 'false'],
  ['push.recurseSubmodules', 'no'],
  ['push.gpgSign', 'false'],
  ['commit.gpgSign', 'false'],
  ['diff.ignoreSubmodules', 'all'],
  ['status.renames', 'false'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['transfer.bundleURI', 'false'],
  ['advice.detachedHead', 'false'],
]

const environment = { ...process.env }

function prepare(job) {
  const told = [...settings]
  if (job.sparsePaths.length > 0) told.push(['core.sparseCheckout', 'true'], ['core.sparseCheckoutCone', 'false'])
  if (job.credential) {
    writeFileSync(CREDENTIAL, `username=${job.credential.username}\npassword=${job.credential.password}\n`, {
      mode: 0o600,
    })
    // Only for the very origin that the repository is at.
    const origin = new URL(job.url).origin
    told.push([`credential.${origin}.helper`, `!f() { test "$1" = get && cat ${CREDENTIAL}; }; f`])
  }
  if (job.authorities) {
    const system = SYSTEM_AUTHORITIES.find((path) => existsSync(path))
    writeFileSync(AUTHORITIES, `${system ? readFileSync(system, 'utf8') : ''}\n${job.authorities}`)
    told.push(['http.sslCAInfo', AUTHORITIES])
  }
  for (const name of Object.keys(environment)) if (/^GIT_/.test(name)) delete environment[name]
  Object.assign(environment, {
    GIT_DIR,
    GIT_WORK_TREE: TREE,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_SYSTEM: '/dev/null',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: 'https',
    GIT_PROTOCOL_FROM_USER: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_OPTIONAL_LOCKS: job.kind === 'status' || job.kind === 'diff' ? '0' : '1',
    GIT_PAGER: 'cat',
    GIT_EDITOR: 'true',
    GIT_CONFIG_COUNT: String(told.length),
    ...Object.fromEntries(
      told.flatMap(([key, value], at) => [
        [`GIT_CONFIG_KEY_${at}`, key],
        [`GIT_CONFIG_VALUE_${at}`, value],
      ]),
    ),
    ...(job.author
      ? {
          GIT_AUTHOR_NAME: job.author.name,
          GIT_AUTHOR_EMAIL: job.author.email,
          GIT_AUTHOR_DATE: `@${job.author.seconds} +0000`,
          GIT_COMMITTER_NAME: job.author.name,
          GIT_COMMITTER_EMAIL: job.author.email,
          GIT_COMMITTER_DATE: `@${job.author.seconds} +0000`,
        }
      : {}),
  })
}

/** Run git; what it printed, in bounded memory. */
function git(args, { input = '', most = MOST_LIST_BYTES } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn('git', args, { cwd: TREE, env: environment, stdio: ['pipe', 'pipe', 'pipe'] })
    const out = []
    let length = 0
    let errors = Buffer.alloc(0)
    child.once('error', (error) =>
      reject(new Failed(error.code === 'ENOENT' ? 'There is no git in the sandbox.' : `git: ${error.message}`)),
    )
    child.stdin.on('error', () => {})
    child.stdin.end(input)
    child.stdout.on('data', (chunk) => {
      if (length < most) out.push(chunk.subarray(0, most - length))
      length += chunk.length
    })
    child.stderr.on('data', (chunk) => {
      errors = Buffer.concat([errors, chunk]).subarray(-MOST_ERROR_BYTES)
    })
    child.once('close', (code, signal) =>
      resolve({
        code: code ?? 1,
        stdout: Buffer.concat(out).toString('utf8'),
        isCut: length > most,
        stderr: signal === null ? errors.toString('utf8') : `git was ended by ${signal}.`,
      }),
    )
  })
}

/** The same, where anything but success is a failure. */
async function must(args, options) {
  const ran = await git(args, options)
  if (ran.code !== 0) throw new Failed(reasonOf(ran.stderr) || `git ${args[0]} ended with ${ran.code}.`)
  return ran.stdout.trim()
}

const MOVED = 'The repository is elsewhere, and redirects are not followed: ask for its own address.'

/** What git says of a failure, without what it says of progress. */
function reasonOf(stderr) {
  const lines = stderr
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter(
      (line) =>
        line !== '' && !/^(hint:|Receiving|Resolving|remote: (Counting|Compressing|Enumerating|Total))/.test(line),
    )
    .slice(-12)
  return (/returned error: 30\d/.test(stderr) ? [...lines, MOVED] : lines).join('\n')
}

function writeConfig({ url }) {
  const quoted = `"${url.replace(/["\\]/g, '\\$&')}"`
  writeFileSync(
    `${GIT_DIR}/config`,
    [
      '[core]\n\trepositoryformatversion = 0\n\tfilemode = false\n\tbare = false\n\tsymlinks = false',
      `[remote "origin"]\n\turl = ${quoted}\n\tfetch = +refs/heads/*:refs/remotes/origin/*`,
      '',
    ].join('\n'),
  )
}

/** Which parts of the tree there are; git reads it before each look at the tree. */
function writeSparse({ sparsePaths }) {
  if (sparsePaths.length === 0) return
  mkdirSync(`${GIT_DIR}/info`, { recursive: true })
  writeFileSync(`${GIT_DIR}/info/sparse-checkout`, `${sparsePaths.map((path) => `/${path}`).join('\n')}\n`)
}

const revision = (name) => must(['rev-parse', '--verify', '--quiet', `${name}^{commit}`])
const fetchFrom = (job, refs, isShallow = job.isShallow) =>
  must([
    'fetch',
    '--quiet',
    '--force',
    '--no-tags',
    '--no-recurse-submodules',
    ...(isShallow ? ['--depth=1'] : []),
    'origin',
    ...refs,
  ])
const everything = ['+refs/heads/*:refs/remotes/origin/*', '+refs/tags/*:refs/tags/*']
const branchRef = (name) => `+refs/heads/${name}:refs/remotes/origin/${name}`
const tagRef = (name) => `+refs/tags/${name}:refs/tags/${name}`

async function defaultBranch() {
  const listed = await must(['ls-remote', '--symref', 'origin', 'HEAD'])
  const branch = /^ref: refs\/heads\/(\S+)\tHEAD$/m.exec(listed)?.[1]
  if (branch === undefined)
    throw new Failed('The repository has no branch to begin with: it is empty, or names none. Name a git_ref.')
  await must(['check-ref-format', '--branch', branch])
  return branch
}

async function currentBranch() {
  const { code, stdout } = await git(['symbolic-ref', '--quiet', '--short', 'HEAD'])
  return code === 0 ? stdout.trim() : null
}

async function isChanged() {
  return (await must(['status', '--porcelain=v1', '--untracked-files=all', '--ignore-submodules=all'])) !== ''
}

async function clone(job) {
  await must(['init', '--quiet', '--initial-branch=main'])
  writeConfig(job)
  writeSparse(job)
  const ref = job.ref ?? { kind: 'branch', value: await defaultBranch() }
  if (ref.kind === 'branch') {
    await fetchFrom(job, [branchRef(ref.value)])
    await must(['checkout', '--quiet', '--force', '--no-track', '-B', ref.value, `refs/remotes/origin/${ref.value}`])
  } else if (ref.kind === 'tag') {
    await fetchFrom(job, [tagRef(ref.value)])
    await must(['checkout', '--quiet', '--force', '--detach', `refs/tags/${ref.value}`])
  } else {
    // Not every server hands a commit out by its name: then all of them are fetched.
    await fetchFrom(job, [ref.value]).catch(() => fetchFrom(job, everything, false))
    await must(['checkout', '--quiet', '--force', '--detach', ref.value])
  }
  return { ref, commit: await revision('HEAD') }
}

async function refresh(job) {
  writeConfig(job)
  writeSparse(job)
  const { kind, value } = job.ref
  const old = await revision('HEAD')
  // A commit is what it is.
  if (kind === 'commit') return { old, commit: old }
  const tracked = kind === 'branch' ? `refs/remotes/origin/${value}` : `refs/tags/${value}`
  const before = await revision(tracked)
  await fetchFrom(job, [kind === 'branch' ? branchRef(value) : tagRef(value)])
  const commit = await revision(tracked)
  if (commit === before) return { old, commit: old }
  if (old !== before || (await isChanged()))
    throw new Failed(
      'The repository has changes of its own, which a refresh would undo: push them, or delete them, or clone it anew.',
    )
  await must(
    kind === 'branch' ? ['reset', '--quiet', '--hard', commit] : ['checkout', '--quiet', '--force', '--detach', commit],
  )
  // What only the old state needed would stay for ever.
  await must(['repack', '-a', '-d', '-q'])
  return { old, commit }
}

async function status(job) {
  writeSparse(job)
  const branch = await currentBranch()
  const commit = await revision('HEAD')
  const listed = await git(['status', '--porcelain=v1', '-z', '--untracked-files=all', '--ignore-submodules=all'])
  if (listed.code !== 0) throw new Failed(reasonOf(listed.stderr))
  const entries = listed.stdout.split('\0').filter((entry) => entry.length > 3)
  const tracked = `refs/remotes/origin/${branch}`
  const ahead = branch === null ? null : await git(['rev-list', '--count', `${tracked}..HEAD`])
  return {
    branch,
    commit,
    unpushed: ahead?.code === 0 ? Number(ahead.stdout.trim()) : 0,
    changes: entries.slice(0, MOST_CHANGES).map((entry) => ({ status: entry.slice(0, 2), path: entry.slice(3) })),
    isCut: listed.isCut || entries.length > MOST_CHANGES,
  }
}

async function diff(job) {
  writeSparse(job)
  const ran = await git(
    [
      'diff',
      '--no-ext-diff',
      '--no-textconv',
      '--no-color',
      '--ignore-submodules=all',
      ...(job.isStaged ? ['--cached'] : []),
    ],
    { most: MOST_DIFF_BYTES },
  )
  if (ran.code !== 0) throw new Failed(reasonOf(ran.stderr))
  return { diff: ran.stdout, isCut: ran.isCut }
}

async function commit(job) {
  writeConfig(job)
  writeSparse(job)
  const branch = await currentBranch()
  if (branch === null)
    throw new Failed('A tag or a commit was cloned, which nothing is committed to. Clone a branch instead.')
  await must(['add', '--all'])
  const { code } = await git(['diff', '--cached', '--quiet', '--no-ext-diff', '--ignore-submodules=all'])
  if (code === 0) throw new Failed('There is nothing to commit.')
  await must(['commit', '--quiet', '--no-verify', '--no-gpg-sign', '--cleanup=whitespace', '--file=-'], {
    input: job.message,
  })
  return { branch, commit: await revision('HEAD') }
}

async function push(job) {
  writeConfig(job)
  const name = job.target ?? (await currentBranch())
  if (name === null) throw new Failed('A tag or a commit was cloned: name the branch to push to in ref.')
  const sha = await revision('HEAD')
  await must(['push', '--quiet', '--no-verify', '--no-recurse-submodules', 'origin', `HEAD:refs/heads/${name}`])
  return { branch: name, commit: sha }
}

/** Programs here know the network by a port of the loopback, behind which is the socket of the proxy. */
function forward() {
  const [pair] = (process.env.LICTOR_FORWARD ?? '').split(',').filter(Boolean)
  if (pair === undefined) return
  const [port, path] = [Number(pair.split('=')[0]), pair.slice(pair.indexOf('=') + 1)]
  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    const proxy = net.connect({ path, allowHalfOpen: true })
    const end = () => {
      client.destroy()
      proxy.destroy()
    }
    client.on('error', end).pipe(proxy)
    proxy.on('error', end).pipe(client)
  })
  server.unref()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
}

async function readJob() {
  const chunks = []
  for await (const chunk of process.stdin) chunks.push(chunk)
  return JSON.parse(Buffer.concat(chunks).toString('utf8'))
}

const kinds = { clone, refresh, status, diff, commit, push }

try {
  const job = await readJob()
  await forward()
  prepare(job)
  process.stdout.write(JSON.stringify({ done: await kinds[job.kind](job) }))
} catch (error) {
  if (!(error instanceof Failed)) throw error
  process.stdout.write(JSON.stringify({ failed: error.message }))
}
