import fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { manualClock } from '../../../test/manual-clock.ts'
import { createInProcessBus } from '../../adapters/bus/in-process.ts'
import { JOURNAL_TOPIC, type JournalNews } from '../../changes/journal/journal.ts'
import type { JournalEntry } from '../../changes/journal/store.ts'
import { createJournalStreams } from './streams.ts'

const subject = { kind: 'execution', id: 'e' } as const
const entry = (sequence: number): JournalEntry => ({
  id: sequence,
  sequence,
  type: sequence === 9 ? 'last' : 'step',
  data: JSON.stringify({ sequence }),
})

let app: ReturnType<typeof fastify>
let address = ''
let stored: JournalEntry[] = []
let looks = 0
let endAll = () => {}
const bus = createInProcessBus()

beforeEach(async () => {
  stored = [entry(1)]
  looks = 0
  const streams = createJournalStreams({
    store: {
      async after(_subject, sequence) {
        looks++
        return { rows: stored.filter((one) => one.sequence > sequence), hasMore: false }
      },
      ofAgentAfter: async () => ({ rows: [], hasMore: false }),
      ofNobodyAfter: async () => ({ rows: [], hasMore: false }),
      lastSequence: async () => 0,
    },
    bus,
    clock: manualClock(),
    onReadError(error) {
      throw error
    },
  })
  endAll = streams.end
  app = fastify()
  // Nobody's access is withdrawn here.
  app.decorate('openCalls', { hold: () => () => {} } as never)
  app.decorateRequest('caller', null as never)
  app.get('/', (request: FastifyRequest, reply: FastifyReply) =>
    streams.subject(request, reply, subject, { follow: true, isLast: (type) => type === 'last' }),
  )
  address = await app.listen({ port: 0, host: '127.0.0.1' })
})
afterEach(async () => {
  endAll()
  await app.close()
})

const tell = (subjectId: string, entries?: readonly JournalEntry[]) =>
  bus.publish(JOURNAL_TOPIC, {
    subject: { ...subject, id: subjectId },
    tenantId: 't',
    agentId: 'a',
    ...(entries ? { entries } : {}),
  } satisfies JournalNews)

/** Follows the stream; what it was given, in order. */
async function follow() {
  const answer = await fetch(address)
  let text = ''
  const ended = (async () => {
    for await (const chunk of answer.body ?? []) text += Buffer.from(chunk).toString()
  })()
  const sequences = () => [...text.matchAll(/"sequence":(\d+)/g)].map(([, one]) => Number(one))
  await expect.poll(sequences).toEqual([1])
  return { sequences, ended }
}

it('a stream that has all before is given what is told without a look into the database', async () => {
  const { sequences, ended } = await follow()
  const before = looks
  await tell('e', [entry(2), entry(3)])
  await tell('another', [entry(4)])
  await tell('e', [entry(3), entry(4)])
  await expect.poll(sequences).toEqual([1, 2, 3, 4])
  await tell('e', [5, 6, 7, 8, 9].map(entry))
  await ended
  expect(sequences()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(looks).toBe(before)
})

it('a stream that something was kept from looks for itself', async () => {
  const { sequences, ended } = await follow()
  stored = [1, 2, 3, 4].map(entry)
  // The news of 2 and 3 was lost.
  await tell('e', [entry(4)])
  await expect.poll(sequences).toEqual([1, 2, 3, 4])
  stored = [1, 2, 3, 4, 5, 6, 7].map(entry)
  // News without the entries: they are long, or an older server tells them.
  await tell('e')
  await expect.poll(sequences).toEqual([1, 2, 3, 4, 5, 6, 7])
  await tell('e', [entry(8), entry(9)])
  await ended
  expect(sequences()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
})

it('a stream that cannot keep up is told no more than it holds', async () => {
  const { sequences, ended } = await follow()
  stored = Array.from({ length: 500 }, (_, index) => ({ ...entry(index + 1), type: index === 499 ? 'last' : 'step' }))
  // All of it in one turn of the event loop: the stream takes none meanwhile.
  await Promise.all(stored.slice(1).map((one) => tell('e', [one])))
  await ended
  expect(sequences()).toEqual(stored.map(({ sequence }) => sequence))
})
