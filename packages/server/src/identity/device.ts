import type { FastifyRequest } from 'fastify'
import { BadRequest } from '../errors.ts'
import type { Device } from './login.ts'

/** Where a request comes from. @throws BadRequest when it cannot be told: nobody signs in from nowhere */
export function deviceOf(request: FastifyRequest): Device {
  if (!request.ip) throw new BadRequest('Cannot determine client address.')
  return { address: request.ip, userAgent: request.headers['user-agent'] ?? null }
}
