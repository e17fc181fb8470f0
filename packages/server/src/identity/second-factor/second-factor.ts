import { Conflict, Unauthenticated } from '../../errors.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { RateLimiter } from '../../ports/rate-limiter.ts'
import type { SecretBox } from '../../ports/secret-box.ts'
import type { Database } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import type { UserCaller } from '../caller.ts'
import { digestOf } from '../opaque-tokens.ts'
import { limited } from '../too-often.ts'
import type { SecondFactorStore } from './store.ts'

const PERIOD_SECONDS = 30
/** Steps of time before and after the present one of which a code is taken: clocks differ. */
const TOLERANCE = 1
const SECRET_BYTES = 20
const RECOVERY_CODES = 10
const ATTEMPTS = 10
const WINDOW_SECONDS = 900

/** Codes of time (RFC 6238) beside the password, with codes for when the device is lost. */
export interface SecondFactor {
  /** A new secret, not in force before it is confirmed. @throws Conflict when one is in force */
  begin(caller: UserCaller): Promise<{ readonly secret: string; readonly uri: string }>
  /** In force when it returns. The codes for when the device is lost are told once. @throws Unauthenticated, Conflict */
  confirm(caller: UserCaller, code: string): Promise<{ readonly recoveryCodes: string[] }>
  /** Gone when it returns. @throws Unauthenticated */
  remove(caller: UserCaller, code: string): Promise<void>
  /** Whether it is in force, and how many codes for a lost device are left. */
  stateOf(caller: UserCaller): Promise<{ readonly isOn: boolean; readonly recoveryCodesLeft: number }>
  /**
   * Before somebody is let in by a password.
   * @throws Unauthenticated `second_factor_required` without a code, `second_factor_wrong`; TooManyRequests
   */
  require(user: { readonly id: string }, code: string | null): Promise<void>
}

export function createSecondFactor(deps: {
  database: Database
  secondFactorStore: SecondFactorStore
  secretBox: SecretBox
  limiter: RateLimiter
  clock: Clock
  random: Random
}): SecondFactor {
  const { database, secondFactorStore: store, secretBox, limiter, clock, random } = deps

  async function totp(sealed: Uint8Array, label: string) {
    // Loaded when somebody has one.
    const { Secret, TOTP } = await import('otpauth')
    const bytes = new Uint8Array(secretBox.open(sealed))
    return new TOTP({
      issuer: 'Lictor',
      label,
      secret: new Secret({ buffer: bytes.buffer as ArrayBuffer }),
      period: PERIOD_SECONDS,
    })
  }

  /** Whether a code is right, and was not taken before. */
  async function takes(userId: string, sealed: Uint8Array, code: string): Promise<boolean> {
    const typed = code.replace(/[\s-]/g, '').toUpperCase()
    if (!/^\d{6}$/.test(typed))
      return store.takeRecoveryCode(userId, digestOf(`${userId}:${typed}`), microsOf(clock.now()))
    const now = clock.now()
    const delta = (await totp(sealed, '')).validate({ token: typed, timestamp: now, window: TOLERANCE })
    return delta !== null && store.takeStep(userId, Math.floor(now / 1000 / PERIOD_SECONDS) + delta)
  }

  async function requireCode(userId: string, sealed: Uint8Array, code: string): Promise<void> {
    await limited(limiter, `second-factor:${userId}`, ATTEMPTS, WINDOW_SECONDS)
    if (!(await takes(userId, sealed, code)))
      throw new Unauthenticated('This code is wrong, or was used before.', 'second_factor_wrong')
  }

  return {
    async begin(caller) {
      const sealed = secretBox.seal(random.bytes(SECRET_BYTES))
      if (!(await store.begin(caller.userId, sealed)))
        throw new Conflict('A second factor is in force. Remove it first.', 'second_factor_on')
      const made = await totp(sealed, caller.email)
      return { secret: made.secret.base32, uri: made.toString() }
    },
    async confirm(caller, code) {
      const secret = await store.find(caller.userId)
      if (!secret) throw new Conflict('Begin a second factor first.', 'second_factor_off')
      if (secret.confirmedAt !== null) throw new Conflict('A second factor is in force.', 'second_factor_on')
      await requireCode(caller.userId, secret.sealed, code)
      const recoveryCodes = Array.from({ length: RECOVERY_CODES }, () => newCode(random))
      const hashes = recoveryCodes.map((one) => digestOf(`${caller.userId}:${one.replaceAll('-', '')}`))
      await database.db
        .transaction()
        .execute((within) => store.confirm(caller.userId, microsOf(clock.now()), hashes, within))
      return { recoveryCodes }
    },
    async remove(caller, code) {
      const secret = await store.find(caller.userId)
      if (!secret) return
      if (secret.confirmedAt !== null) await requireCode(caller.userId, secret.sealed, code)
      await database.db.transaction().execute((within) => store.remove(caller.userId, within))
    },
    async stateOf({ userId }) {
      const secret = await store.find(userId)
      return {
        isOn: secret !== null && secret.confirmedAt !== null,
        recoveryCodesLeft: await store.countRecoveryCodes(userId),
      }
    },
    async require({ id }, code) {
      const secret = await store.find(id)
      if (!secret || secret.confirmedAt === null) return
      if (code === null || code.trim() === '')
        throw new Unauthenticated('Enter the code of your second factor.', 'second_factor_required')
      await requireCode(id, secret.sealed, code)
    },
  }
}

/** 80 bits, in letters and digits that are not mistaken for each other: `ABCD-EFGH-JKMN-PQRS`. */
function newCode(random: Random): string {
  const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789'
  const text = [...random.bytes(16)].map((byte) => letters[byte % letters.length]).join('')
  return text.replace(/(.{4})(?=.)/g, '$1-')
}
