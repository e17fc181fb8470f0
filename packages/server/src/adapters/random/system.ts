import { generateKeyPair, randomBytes, randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import type { Random } from '../../ports/random.ts'

export const systemRandom: Random = {
  uuid: () => randomUUID(),
  bytes: (length) => randomBytes(length),
  rsaKey: () => promisify(generateKeyPair)('rsa', { modulusLength: 2048 }),
}
