import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { selfSigned } from './self-signed.ts'

/** A host of git repositories, for tests: git's own program for that, behind HTTPS on the loopback. */
export interface GitServer {
  /** `https://HOSTNAME:PORT`. */
  readonly address: string
  /** Its certificate, PEM. */
  readonly authority: string
  /** Lines `GET /path`, of every request. */
  readonly asked: string[]
  /** What `Authorization` said, where a request had one. */
  readonly authorizations: string[]
  /** Run git in a repository of it, which begins empty. What it printed. */
  git(repository: string, args: readonly string[], options?: { input?: string | Buffer }): string
  /** Begin a repository with these files on the branch `main`. */
  make(repository: string, files: Readonly<Record<string, string>>): void
  /** Put a commit on a branch: files to write, and entries of other modes as `git update-index --cacheinfo` takes them. */
  commit(
    repository: string,
    files: Readonly<Record<string, string>>,
    options?: { branch?: string; entries?: readonly string[]; parent?: string | null },
  ): string
  close(): Promise<void>
}

const identity = {
  GIT_AUTHOR_NAME: 'Tester',
  GIT_AUTHOR_EMAIL: 'tester@example.com',
  GIT_COMMITTER_NAME: 'Tester',
  GIT_COMMITTER_EMAIL: 'tester@example.com',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
}

/**
 * @param options.login `user:password` that every request must have
 * @param options.redirect where everything is sent on to
 */
export async function startGitServer(
  hostname: string,
  options: { login?: string; redirect?: () => string | null } = {},
): Promise<GitServer> {
  const root = mkdtempSync(join(tmpdir(), 'lictor-git-'))
  const { key, cert } = selfSigned(hostname)
  const asked: string[] = []
  const authorizations: string[] = []
  const server: Server = createServer({ key, cert }, (request, response) => {
    const url = new URL(request.url ?? '/', 'https://x')
    asked.push(`${request.method} ${url.pathname}`)
    const { authorization } = request.headers
    if (authorization !== undefined) authorizations.push(Buffer.from(authorization.slice(6), 'base64').toString())
    const elsewhere = options.redirect?.() ?? null
    if (elsewhere !== null) return void response.writeHead(302, { location: `${elsewhere}${request.url}` }).end()
    if (options.login !== undefined && authorizations.at(-1) !== options.login)
      return void response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end(`no: ${authorization}`)
    const child = spawn('git', ['http-backend'], {
      env: {
        PATH: process.env.PATH,
        ...identity,
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: '1',
        PATH_INFO: url.pathname,
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method,
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        HTTP_CONTENT_ENCODING: String(request.headers['content-encoding'] ?? ''),
        GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
        REMOTE_USER: 'tester',
        REMOTE_ADDR: '127.0.0.1',
      },
    })
    request.pipe(child.stdin)
    child.stdin.on('error', () => {})
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.once('close', () => {
      const answer = Buffer.concat(chunks)
      const end = answer.indexOf('\r\n\r\n')
      const headers = Object.fromEntries(
        answer
          .subarray(0, end)
          .toString()
          .split('\r\n')
          .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
      )
      response.writeHead(Number.parseInt(headers.status ?? '200', 10), headers).end(answer.subarray(end + 4))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  const git: GitServer['git'] = (repository, args, { input } = {}) =>
    execFileSync('git', ['--git-dir', join(root, repository), ...args], {
      env: { PATH: process.env.PATH, HOME: root, ...identity, GIT_INDEX_FILE: join(root, `${repository}.index`) },
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(input === undefined ? {} : { input }),
      maxBuffer: 64 * 1024 ** 2,
    })
      .toString()
      .trim()

  const commit: GitServer['commit'] = (repository, files, { branch = 'main', entries = [], parent } = {}) => {
    const has = (name: string) => git(repository, ['for-each-ref', `refs/heads/${name}`]) !== ''
    const before = parent === undefined && has(branch) ? git(repository, ['rev-parse', `refs/heads/${branch}`]) : parent
    git(repository, ['read-tree', ...(before ? [before] : ['--empty'])])
    for (const [path, content] of Object.entries(files)) {
      const blob = git(repository, ['hash-object', '-w', '--stdin'], { input: content })
      git(repository, ['update-index', '--add', '--cacheinfo', `100644,${blob},${path}`])
    }
    for (const entry of entries) git(repository, ['update-index', '--add', '--cacheinfo', entry])
    const tree = git(repository, ['write-tree'])
    const made = git(repository, ['commit-tree', tree, ...(before ? ['-p', before] : []), '-m', `On ${branch}.`])
    git(repository, ['update-ref', `refs/heads/${branch}`, made])
    return made
  }

  return {
    address: `https://${hostname}:${(server.address() as AddressInfo).port}`,
    authority: cert,
    asked,
    authorizations,
    git,
    commit,
    make(repository, files) {
      execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', join(root, repository)])
      git(repository, ['config', 'http.receivepack', 'true'])
      commit(repository, files)
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      rmSync(root, { recursive: true, force: true })
    },
  }
}
