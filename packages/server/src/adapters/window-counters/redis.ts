import { Redis } from 'ioredis'
import { Unavailable } from '../../errors.ts'
import type { Clock } from '../../ports/clock.ts'
import {
  type Charge,
  type Counter,
  type CounterName,
  type WindowCounters,
  windowStartOf,
} from '../../ports/window-counters.ts'
import { redisReconnect } from '../redis-reconnect.ts'

const RETRY_WHEN_AWAY_SECONDS = 30

/**
 * A hash for each scope, in it for each counter `start of its window:count`. ARGV holds, for each charge: which key, field, start of
 * the window, amount, limit (-1: none), milliseconds that the hash is kept. First all are judged, then all are counted; the answer
 * begins with 0, or with the number of the charge that does not fit, and then has a start and a count for each charge.
 */
const takeScript = `
local charges = #ARGV / 6
local answer = { 0 }
for n = 0, charges - 1 do
  local key, field, start = KEYS[tonumber(ARGV[n * 6 + 1])], ARGV[n * 6 + 2], tonumber(ARGV[n * 6 + 3])
  local amount, limit = tonumber(ARGV[n * 6 + 4]), tonumber(ARGV[n * 6 + 5])
  local count = 0
  local kept = redis.call('hget', key, field)
  if kept then
    local split = string.find(kept, ':', 1, true)
    local since = tonumber(string.sub(kept, 1, split - 1))
    if since >= start then
      start, count = since, tonumber(string.sub(kept, split + 1))
    end
  end
  if answer[1] == 0 and limit >= 0 and count + amount > limit then answer[1] = n + 1 end
  answer[#answer + 1] = string.format('%.0f', start)
  answer[#answer + 1] = string.format('%.0f', count)
end
if answer[1] ~= 0 then return answer end
for n = 0, charges - 1 do
  local key, field = KEYS[tonumber(ARGV[n * 6 + 1])], ARGV[n * 6 + 2]
  local count = string.format('%.0f', tonumber(answer[n * 2 + 3]) + tonumber(ARGV[n * 6 + 4]))
  answer[n * 2 + 3] = count
  redis.call('hset', key, field, answer[n * 2 + 2] .. ':' .. count)
  if redis.call('pttl', key) < tonumber(ARGV[n * 6 + 6]) then redis.call('pexpire', key, ARGV[n * 6 + 6]) end
end
return answer
`

/** ARGV holds, for each charge: which key, field, start of the window, amount. */
const giveBackScript = `
for n = 0, #ARGV / 4 - 1 do
  local key, field = KEYS[tonumber(ARGV[n * 4 + 1])], ARGV[n * 4 + 2]
  local kept = redis.call('hget', key, field)
  local start = ARGV[n * 4 + 3] .. ':'
  if kept and string.sub(kept, 1, #start) == start then
    local count = math.max(0, tonumber(string.sub(kept, #start + 1)) - tonumber(ARGV[n * 4 + 4]))
    redis.call('hset', key, field, start .. string.format('%.0f', count))
  end
end
return 1
`

/** Counters shared by all servers, in Redis. When Redis does not answer, nothing is let through. */
export function createRedisWindowCounters(
  url: string,
  clock: Clock,
  onError: (error: Error) => void,
): WindowCounters & { close(): void } {
  const redis = new Redis(url, { maxRetriesPerRequest: 1, commandTimeout: 3_000, retryStrategy: redisReconnect })
  redis.on('error', onError)

  async function asked<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      onError(error as Error)
      throw new Unavailable('The store of the rate limits does not answer. Try again shortly.', {
        cause: error,
        retryAfter: RETRY_WHEN_AWAY_SECONDS,
        code: 'limits_unavailable',
      })
    }
  }

  return {
    async take(charges) {
      if (charges.length === 0) return { isTaken: true, counters: [] }
      const now = clock.now()
      const keys = keysOf(charges)
      const args = charges.flatMap((charge) => [
        keys.indexOf(keyOf(charge)) + 1,
        fieldOf(charge),
        windowStartOf(now, charge),
        charge.amount,
        charge.limit ?? -1,
        charge.windowSeconds * 2_000,
      ])
      const [refused, ...values] = (await asked(() => redis.eval(takeScript, keys.length, ...keys, ...args))) as [
        number,
        ...string[],
      ]
      const counters = charges.map((charge, n): Counter => {
        return { ...nameOf(charge), windowStart: Number(values[n * 2]), count: Number(values[n * 2 + 1]) }
      })
      const [charge, counter] = [charges[refused - 1], counters[refused - 1]]
      return charge && counter ? { isTaken: false, refused: charge, counter } : { isTaken: true, counters }
    },
    async giveBack(charges) {
      if (charges.length === 0) return
      const now = clock.now()
      const keys = keysOf(charges)
      const args = charges.flatMap((charge) => [
        keys.indexOf(keyOf(charge)) + 1,
        fieldOf(charge),
        windowStartOf(now, charge),
        charge.amount,
      ])
      await asked(() => redis.eval(giveBackScript, keys.length, ...keys, ...args))
    },
    async list(scope) {
      const fields = await asked(() => redis.hgetall(keyOf(scope)))
      const now = clock.now()
      return Object.entries(fields)
        .map(([field, kept]): Counter => {
          const [resourceType = '', bucket = '', seconds = 0] = JSON.parse(field) as [string, string, number]
          const [windowStart, count] = kept.split(':')
          return {
            ...scope,
            resourceType,
            bucket,
            windowSeconds: seconds,
            windowStart: Number(windowStart),
            count: Number(count),
          }
        })
        .filter(({ windowStart, windowSeconds, count }) => windowStart + windowSeconds * 1000 > now && count > 0)
        .sort((a, b) =>
          a.resourceType < b.resourceType
            ? -1
            : a.resourceType > b.resourceType
              ? 1
              : a.windowSeconds - b.windowSeconds,
        )
    },
    close: () => redis.disconnect(),
  }
}

const keyOf = ({ scopeType, scopeId }: Pick<CounterName, 'scopeType' | 'scopeId'>) =>
  `lictor:counters:${scopeType}:${scopeId}`
const fieldOf = ({ resourceType, bucket, windowSeconds }: CounterName) =>
  JSON.stringify([resourceType, bucket, windowSeconds])
const keysOf = (charges: readonly Charge[]) => [...new Set(charges.map(keyOf))]

const nameOf = ({ scopeType, scopeId, resourceType, bucket, windowSeconds }: CounterName): CounterName => ({
  scopeType,
  scopeId,
  resourceType,
  bucket,
  windowSeconds,
})
