import type Docker from 'dockerode'
import type { Clock } from '../../ports/clock.ts'
import { type ImagePull, type InstanceImage, SandboxError } from '../../ports/sandbox.ts'
import { messageOfEngine, statusOf } from './docker-engine.ts'

/** The longest that a pull may take. */
const PULL_MS = 180_000

export interface RegistryLogin {
  readonly username: string
  readonly password: string
}

/** Images on this machine, and those that registries have. */
export interface Images {
  /**
   * See to it that an image is here, as its policy says. Those who ask for the same image at once wait for one pull.
   * @param told hears what is done; an image that is not asked for at a registry is told as cached
   * @throws SandboxError when it is not
   */
  provide(image: InstanceImage, told?: (pull: ImagePull) => void): Promise<void>
}

/** @param logins by registry, or registry and beginning of the repository; the longest that fits is used */
export function createImages(deps: {
  engine: Docker
  logins: Readonly<Record<string, RegistryLogin>>
  clock: Clock
}): Images {
  const { engine, logins, clock } = deps
  const pulls = new Map<string, Promise<void>>()

  async function isHere(name: string): Promise<boolean> {
    try {
      await engine.getImage(name).inspect()
      return true
    } catch (error) {
      if (statusOf(error) === 404) return false
      throw new SandboxError(`The image '${name}' could not be looked up: ${messageOfEngine(error)}`)
    }
  }

  function pull(name: string): Promise<void> {
    const running = pulls.get(name)
    if (running) return running
    const started = pullOnce(name).finally(() => pulls.delete(name))
    pulls.set(name, started)
    return started
  }

  async function pullOnce(name: string): Promise<void> {
    const overdue = new AbortController()
    const cancel = clock.after(PULL_MS, () => overdue.abort())
    try {
      const login = loginFor(name, logins)
      const stream = await engine.pull(name, {
        abortSignal: overdue.signal,
        ...(login ? { authconfig: { ...login, serveraddress: registryOf(name) } } : {}),
      })
      overdue.signal.addEventListener('abort', () => (stream as NodeJS.ReadableStream & { destroy(): void }).destroy())
      await new Promise<void>((resolve, reject) =>
        engine.modem.followProgress(stream, (error: Error | null) => (error ? reject(error) : resolve())),
      )
      overdue.signal.throwIfAborted()
    } catch (error) {
      if (overdue.signal.aborted) throw new Error(`it was not complete after ${PULL_MS / 1000} seconds`)
      throw error
    } finally {
      cancel()
    }
  }

  return {
    async provide({ name: asked, pullPolicy }, told = () => {}) {
      const name = withTag(asked)
      const began = clock.now()
      const completed = (source: 'Cached' | 'Downloaded') =>
        told({ kind: 'completed', image: asked, source, durationMs: clock.now() - began })
      told({ kind: 'started', image: asked, pullPolicy })
      try {
        if (pullPolicy !== 'Always' && (await isHere(name))) return completed('Cached')
        if (pullPolicy === 'Never')
          throw new SandboxError(`The image '${asked}' is not on this machine, and its image_pull_policy is 'Never'.`, {
            about: 'image',
          })
        try {
          await pull(name)
        } catch (error) {
          throw new SandboxError(`The image '${asked}' could not be pulled: ${messageOfEngine(error)}`, {
            about: 'image',
          })
        }
        completed('Downloaded')
      } catch (error) {
        told({ kind: 'failed', image: asked, reason: (error as Error).message })
        throw error
      }
    },
  }
}

/** Without a tag or a digest, an engine would be asked for all tags there are. */
function withTag(name: string): string {
  const last = name.slice(name.lastIndexOf('/') + 1)
  return /[:@]/.test(last) ? name : `${name}:latest`
}

/** As engines read it: what comes before the first slash, if it looks like a host. */
function registryOf(name: string): string {
  const [first = '', ...rest] = name.split('/')
  return rest.length > 0 && (/[.:]/.test(first) || first === 'localhost') ? first : 'docker.io'
}

function loginFor(name: string, logins: Readonly<Record<string, RegistryLogin>>): RegistryLogin | undefined {
  const registry = registryOf(name)
  const full = name.startsWith(`${registry}/`) ? name : `${registry}/${name}`
  const [longest] = Object.keys(logins)
    .filter((prefix) => full === prefix || full.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`))
    .sort((one, other) => other.length - one.length)
  return longest === undefined ? undefined : logins[longest]
}
