import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import { type Micros, microsOf } from '../../storage/instants.ts'
import type { Device } from '../login.ts'
import { digestOf } from '../opaque-tokens.ts'
import { scopeOfRecord } from '../scope.ts'
import { SignInRefused } from './linking.ts'
import { type DeviceCode, LONGEST_INTERVAL, type Oidc } from './oidc.ts'
import type { ProviderSettings } from './oidc-sign-on.ts'
import { newToken, requireStill, type SignIns } from './sign-ins.ts'
import type { SsoStore } from './store.ts'

/** What stands between two questions of a terminal, and what ends them. */
export type DevicePoll =
  | { readonly status: 'pending' | 'slow_down'; readonly interval: number }
  | { readonly status: 'denied' | 'expired' }
  | { readonly status: 'approved'; readonly session: string }

/** Sign-in on a terminal at the OpenID Connect provider of a tenant: a code is typed in on any device (RFC 8628). */
export interface DeviceSignOn {
  /** @returns with a handle instead of the provider's device code, which stays here. @throws NotFound, SignInRefused, Unavailable */
  begin(slug: string, address: string): Promise<Omit<DeviceCode, 'deviceCode'> & { readonly handle: string }>
  /**
   * Whether the code was typed in. The provider is asked once in each of its intervals, by one server; who asks sooner is told
   * to slow down. Who said yes gets a session in that tenant, once.
   * @throws SignInRefused for a handle that is unknown or used, or where the provider or its settings went; Forbidden, Unavailable
   */
  poll(handle: string, device: Device): Promise<DevicePoll>
}

/** What the provider is asked with, and which one: a device code is shown to no other. */
interface DeviceSecret {
  readonly deviceCode: string
  readonly issuer: string
  readonly clientId: string
}

/** What is added to the interval where the provider asks for more time (RFC 8628, 3.5), in seconds. */
const SLOWER_BY = 5

export function createDeviceSignOn(deps: {
  signIns: SignIns
  ssoStore: SsoStore
  oidc: Oidc
  clock: Clock
  random: Random
}): DeviceSignOn {
  const { signIns, ssoStore, oidc, clock, random } = deps
  const now = (): Micros => microsOf(clock.now())
  const after = (seconds: number): Micros => microsOf(clock.now() + seconds * 1000)

  return {
    async begin(slug, address) {
      const { tenant, settings } = await signIns.requireConfigured<ProviderSettings>(slug, 'oidc', address)
      const { deviceCode, ...shown } = await oidc.beginDevice(settings)
      const handle = newToken(random)
      const { issuer, clientId } = settings
      await ssoStore.beginDevice({
        handleHash: digestOf(handle),
        tenantId: tenant.id,
        sealedSecret: signIns.seal({ deviceCode, issuer, clientId } satisfies DeviceSecret),
        interval: shown.interval,
        askAt: after(shown.interval),
        expiresAt: after(shown.expiresIn),
      })
      return { ...shown, handle }
    },
    async poll(handle, device) {
      const handleHash = digestOf(handle)
      const signIn = await ssoStore.findDevice(handleHash)
      if (!signIn) throw new SignInRefused('This sign-in was not begun here, or was finished already.')
      if (signIn.expiresAt <= now()) {
        await ssoStore.endDevice(handleHash)
        return { status: 'expired' }
      }
      await signIns.requireActive(signIn)
      const settings = requireStill(await signIns.providerOf<ProviderSettings>(scopeOfRecord(signIn), 'oidc'))
      const { deviceCode, issuer, clientId } = signIns.secretOf<DeviceSecret>(signIn)
      if (settings.issuer !== issuer || settings.clientId !== clientId) {
        await ssoStore.endDevice(handleHash)
        throw new SignInRefused('Single sign-on of this tenant was changed meanwhile.')
      }
      const { interval } = signIn
      if (!(await ssoStore.takeDeviceTurn(handleHash, now(), after(interval)))) return { status: 'slow_down', interval }

      const answer = await oidc.redeemDevice(settings, deviceCode).catch(async (error: unknown) => {
        if (error instanceof SignInRefused) await ssoStore.endDevice(handleHash)
        throw error
      })
      switch (answer.status) {
        case 'pending':
          return { status: 'pending', interval }
        case 'slow_down': {
          const slower = Math.min(interval + SLOWER_BY, LONGEST_INTERVAL)
          await ssoStore.slowDeviceDown(handleHash, slower, after(slower))
          return { status: 'slow_down', interval: slower }
        }
        case 'denied':
        case 'expired':
          await ssoStore.endDevice(handleHash)
          return { status: answer.status }
        case 'approved': {
          if (!(await ssoStore.endDevice(handleHash))) throw new SignInRefused('This sign-in was finished already.')
          const { session } = await signIns.welcome({ ...signIn, returnTo: '/' }, answer.person, {
            kind: 'oidc',
            newMembers: settings.newMembers,
            said: 'email, email_verified',
            device,
          })
          return { status: 'approved', session }
        }
      }
    },
  }
}
