import { Command } from 'commander'
import { type ConnectionOptions, cookieIn, exchange, openKept, serverOf } from '../connection/connection.ts'
import { keepSignIn, keptSignIn } from '../connection/kept-sign-ins.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { placeOf, present } from '../terminal/terminal.ts'

const PATH = '/api/v1/auth/oidc/device'

interface Begun {
  readonly device_code: string
  readonly user_code: string
  readonly verification_uri: string
  readonly verification_uri_complete: string | null
  readonly expires_in: number
  readonly interval: number
}

interface Polled {
  readonly status: 'pending' | 'slow_down' | 'approved' | 'denied' | 'expired'
  readonly interval: number | null
}

/** `lictor login`: sign in as a person, at the provider of one's tenant, with a code that is typed in on any device. */
export function loginCommand({ terminal, settings }: Context): Command {
  const login = new Command('login')
    .description("sign in as yourself at your tenant's provider, with a code that is typed in on any device")
    .option('--tenant <name>', 'short name of the tenant', 'default')
  login.action(async ({ tenant }: { tenant: string }) => {
    const { environment } = terminal
    const url = serverOf(optionsOf(login))
    const begun = await begin(url, tenant)
    terminal.note(`Open ${shown(begun.verification_uri)} and type ${shown(begun.user_code)}.`)
    if (begun.verification_uri_complete !== null)
      terminal.note(`Or open ${shown(begun.verification_uri_complete)}, and see that it shows that code.`)
    const cookie = await untilDecided(url, begun)
    const me = await openKept(url, cookie)
    if (me === null) throw new CliError('not_signed_in', 'The session that the server gave is over already.')
    keepSignIn(environment, url, cookie)
    present(
      terminal,
      settings(login).output,
      { url, email: me.email, role: me.role, tenant_id: me.tenant_id },
      () => `Signed in at ${url} as ${me.email} (${me.role}).`,
    )
  })
  return login

  function optionsOf(command: Command): ConnectionOptions {
    return { ...placeOf(terminal), ...command.optsWithGlobals<{ url?: string }>() }
  }

  async function begin(url: string, tenant: string): Promise<Begun> {
    const answer = await exchange(url, PATH, { tenant }, {}, [404])
    if (answer.status !== 404) return (await answer.json()) as Begun
    throw new CliError('no_single_sign_on', `There is no provider at which members of '${tenant}' sign in.`, {
      hint: 'Name another tenant with --tenant, or set LICTOR_EMAIL and LICTOR_PASSWORD.',
    })
  }

  /** The cookie of the session, once the person said yes. */
  async function untilDecided(url: string, begun: Begun): Promise<string> {
    let { interval } = begun
    for (let waited = 0; waited <= begun.expires_in; ) {
      const stopped = await Promise.race([
        terminal.pause(interval * 1000).then(() => false),
        terminal.interrupted.then(() => true),
      ])
      if (stopped) throw new CliError('interrupted', 'The sign-in was given up.')
      waited += interval
      // A provider that is away for a moment is asked again; the code runs out in any case.
      const answer = await exchange(url, `${PATH}/poll`, { device_code: begun.device_code }, {}, [503])
      if (answer.status === 503) continue
      const polled = (await answer.json()) as Polled
      if (polled.status === 'approved') return cookieIn(answer)
      if (polled.status === 'denied') throw new CliError('denied', 'The sign-in was denied at the provider.')
      if (polled.status === 'expired') break
      interval = polled.interval ?? interval
    }
    throw new CliError('expired', 'The code ran out before it was typed in.', { hint: 'Begin again: lictor login' })
  }
}

/** `lictor logout`: end that session, here and at the server. */
export function logoutCommand({ terminal, settings }: Context): Command {
  const logout = new Command('logout').description('end the session of `lictor login`')
  logout.action(async () => {
    const { environment } = terminal
    const url = serverOf({ ...placeOf(terminal), ...logout.optsWithGlobals<{ url?: string }>() })
    const cookie = keptSignIn(environment, url)
    if (cookie !== null) {
      await exchange(url, '/api/v1/auth/logout', {}, { cookie })
      keepSignIn(environment, url, null)
    }
    present(terminal, settings(logout).output, { url, signed_out: cookie !== null }, () =>
      cookie === null ? `Nobody is signed in at ${url}.` : `Signed out of ${url}.`,
    )
  })
  return logout
}

/** What a server says, without anything that a terminal would obey. */
const shown = (text: string): string => text.replace(/\p{C}/gu, '')
