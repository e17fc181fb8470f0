import { isDeepStrictEqual } from 'node:util'
import type { GatePlace } from '../place.ts'
import { readSettings } from '../settings.ts'
import { type Cached, writeCache } from './cache.ts'

export { loadLayers } from './load-layers.ts'
export { readSettings }

export const keep = (place: GatePlace, cached: Cached): void => writeCache(place, cached, isDeepStrictEqual)
