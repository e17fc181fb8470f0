import { expect, test } from 'vitest'
import { EdictumConfigError } from './errors.ts'
import { silentLogger } from './logger.ts'
import { ServerApprovalBackend } from './server/approval-backend.ts'
import { ServerAuditSink } from './server/audit-sink.ts'
import { EdictumServerClient } from './server/client.ts'
import { ServerContractSource } from './server/contract-source.ts'

const client = (timeout?: number) =>
  new EdictumServerClient({
    baseUrl: 'http://localhost:1',
    apiKey: 'k',
    logger: silentLogger,
    ...(timeout === undefined ? {} : { timeout }),
  })

const takers: [string, (ms: number) => unknown][] = [
  ['timeout', (ms) => client(ms)],
  ['flushInterval', (ms) => new ServerAuditSink(client(), { flushInterval: ms })],
  ['pollInterval', (ms) => new ServerApprovalBackend(client(), { pollInterval: ms })],
  ['connectTimeout', (ms) => new ServerContractSource(client(), { connectTimeout: ms })],
  ['idleTimeout', (ms) => new ServerContractSource(client(), { idleTimeout: ms })],
  ['reconnectDelay', (ms) => new ServerContractSource(client(), { reconnectDelay: ms })],
]

test.each(takers)('%s takes 30 days and Infinity, and refuses NaN and negative numbers by name', (name, take) => {
  for (const ms of [30 * 86_400_000, Number.POSITIVE_INFINITY]) expect(() => take(ms)).not.toThrow()
  for (const ms of [Number.NaN, -1, Number.NEGATIVE_INFINITY]) {
    expect(() => take(ms)).toThrow(EdictumConfigError)
    expect(() => take(ms)).toThrow(name)
  }
})

test('an approval that cannot last so long is refused before anybody is asked', async () => {
  const approvals = new ServerApprovalBackend(client())
  for (const timeout of [Number.NaN, 0, -5, 2_592_001, Number.POSITIVE_INFINITY]) {
    await expect(approvals.requestApproval('t', {}, 'm', { timeout })).rejects.toBeInstanceOf(EdictumConfigError)
  }
})
