import { createServer } from 'node:net'
import type { Config } from './config.ts'
import { StartupError } from './errors.ts'

type Address = Pick<Config, 'host' | 'port'>

/** Listen where the settings say, for a moment. @throws StartupError that names the setting when that cannot be. */
export function requireListenable({ host, port }: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (error) => reject(explainListen(error, { host, port })))
    probe.listen({ host, port }, () => probe.close(() => resolve()))
  })
}

/** Why the address of the settings cannot be listened on, in words. */
export function explainListen(error: unknown, { host, port }: Address): Error {
  switch ((error as { code?: string }).code) {
    case 'EADDRINUSE':
      return new StartupError(
        'port_in_use',
        `Port ${port} on ${host} is in use. Stop what listens there, or set LICTOR_PORT.`,
        error,
      )
    case 'EACCES':
      return new StartupError(
        'port_forbidden',
        `This user may not listen on port ${port}. Set LICTOR_PORT to 1024 or above.`,
        error,
      )
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
    case 'EINVAL':
      return new StartupError('host', `LICTOR_HOST is '${host}', which is no address of this machine.`, error)
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_FAIL':
    case 'EAI_NODATA':
      return new StartupError(
        'host',
        `LICTOR_HOST is '${host}', a name that this machine cannot resolve. It takes an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all of them.`,
        error,
      )
    default:
      return error instanceof Error ? error : new Error(String(error))
  }
}
