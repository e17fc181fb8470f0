import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type Docker from 'dockerode'

const SUITE = 'bookworm'

/** Why no Debian can be made here; null when one can. With `CI=true` it must be possible. */
export const debianProblem: string | null = (() => {
  const found = spawnSync('debootstrap', ['--version']).status === 0 ? null : "'debootstrap' is not installed"
  if (found !== null && process.env.CI === 'true') throw new Error(`The image must be tested in CI: ${found}`)
  if (found !== null) console.warn(`The image is not tested here: ${found}`)
  return found
})()

/** The archive that this machine takes its own packages from. */
function archiveOf(): string[] {
  const folder = '/etc/apt/sources.list.d'
  const files = [
    '/etc/apt/sources.list',
    ...(existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []),
  ].filter((file) => /\.(list|sources)$/.test(file) && existsSync(file))
  const found = files
    .map((file) => readFileSync(file, 'utf8'))
    .flatMap((text) =>
      [...text.matchAll(/^(?:URIs:|deb(?: \[[^\]]*\])?)\s+(https?:\S+)/gm)].map((match) => match[1] ?? ''),
    )
    .find((address) => /debian\/?$/.test(address))
  return found === undefined ? [] : [found]
}

/** The root of a small Debian, kept between runs. */
export function makeDebian(): string {
  const root = join(tmpdir(), `lictor-debian-${SUITE}`)
  if (existsSync(root)) return root
  const own = mkdtempSync(`${root}-`)
  execFileSync('debootstrap', ['--variant=minbase', SUITE, own, ...archiveOf()], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  try {
    renameSync(own, root)
  } catch {
    rmSync(own, { recursive: true, force: true })
  }
  return root
}

/** A root as the image `name`. */
export async function importRoot(engine: Docker, root: string, name: string): Promise<void> {
  const tar = spawn('tar', ['-C', root, '--exclude=./var/cache/apt', '-c', '.'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [repo = '', tag = ''] = name.split(':')
  const answer = await engine.importImage(tar.stdout, { repo, tag })
  answer.resume()
  await once(answer, 'end')
}
