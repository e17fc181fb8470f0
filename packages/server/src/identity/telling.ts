import type { Clock } from '../ports/clock.ts'
import type { RateLimiter } from '../ports/rate-limiter.ts'
import type { Database, Queryable } from '../storage/database.ts'

/** The realm of people who sign in at this server itself. */
export const CONSOLE_REALM = 'console'

/** What the identity room has to tell a tenant of who came in, and of who may. */
export type IdentityNews =
  | {
      readonly kind: 'authenticated'
      readonly tenantId: string
      readonly subject: string
      readonly realm: string
      readonly identity: 'operator' | 'tenant_user' | 'service_account' | 'consumer'
    }
  | {
      readonly kind: 'refused'
      readonly tenantId: string
      readonly subject: string
      readonly realm: string
      readonly reason: string
    }
  | { readonly kind: 'acted_across'; readonly tenantId: string; readonly by: string }
  | {
      readonly kind: 'switched'
      readonly tenantId: string
      readonly userId: string
      readonly from: string
      readonly header: string
    }
  | { readonly kind: 'account_provisioned'; readonly tenantId: string; readonly clientId: string }
  | {
      readonly kind: 'account_revoked'
      readonly tenantId: string
      readonly clientId: string
      readonly reason: string
    }

/** Makes a change, and tells of it in the same transaction; false, and nothing is told, when the change answers false. */
export type IdentityTeller = (news: IdentityNews, change: (within: Queryable) => Promise<boolean>) => Promise<boolean>

export interface IdentityTelling {
  /** Make a change that is told of, in its transaction. False when the change answers false. */
  change(news: IdentityNews, change: (within: Queryable) => Promise<boolean>): Promise<boolean>
  /** Resolves once it is stored. */
  tell(news: IdentityNews): Promise<void>
  /**
   * Tell of a refusal, a second after its answer: by the time that takes nobody learns whom this server knows. Of a subject that
   * is refused again and again, some are told.
   */
  refused(news: Extract<IdentityNews, { kind: 'refused' }>): void
  /** Whoever keeps what is told. */
  tellTo(teller: IdentityTeller): void
}

const AFTER_THE_ANSWER_MS = 1_000
const REFUSALS_TOLD = 10
const WINDOW_SECONDS = 60

export function createIdentityTelling(deps: {
  database: Pick<Database, 'db'>
  clock: Clock
  limiter: RateLimiter
  onError: (error: unknown) => void
}): IdentityTelling {
  const { database, clock, limiter, onError } = deps
  let teller: IdentityTeller = (_news, change) => database.db.transaction().execute(change)

  async function tell(news: IdentityNews): Promise<void> {
    await teller(news, async () => true)
  }

  return {
    change: (news, change) => teller(news, change),
    tell,
    refused(news) {
      clock.after(AFTER_THE_ANSWER_MS, () => {
        const counted = `identity-refused:${news.tenantId}:${news.subject}`
        limiter
          .hit(counted, REFUSALS_TOLD, WINDOW_SECONDS)
          .then(({ allowed }) => (allowed ? tell(news) : undefined))
          .catch(onError)
      })
    },
    tellTo(next) {
      teller = next
    },
  }
}
