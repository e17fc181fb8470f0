import { type BackOff, pauseAfter } from '@lictor/wire'

const backOff: BackOff = { firstMs: 100, longestMs: 2_000, jitter: 0.25 }

/** Milliseconds until a lost connection to Redis is tried again; never given up. */
export const redisReconnect = (failures: number): number => pauseAfter(failures, backOff)
