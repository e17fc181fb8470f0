import pino from 'pino'
import { behaviour } from '../../../test/engine-behaviour.ts'
import { onEachDatabase } from '../../../test/harness.ts'
import { manualClock } from '../../../test/manual-clock.ts'
import { createInProcessBus } from '../../adapters/bus/in-process.ts'
import { createJournal } from '../../changes/journal/journal.ts'
import { createJournalStore } from '../../changes/journal/store.ts'
import { createEmbeddedEngine } from './embedded.ts'
import type { Engine } from './engine.ts'
import { createRunStore } from './store.ts'
import { logEntryOf, type RunTold } from './told.ts'

onEachDatabase('the embedded engine', (start) =>
  behaviour(async () => {
    const t = await start()
    /** Not the server's: it would take the runs of this test over. */
    const clock = manualClock()
    const { database } = t.server
    const engines: Engine[] = []
    return {
      database,
      now: clock.now,
      advance: clock.advance,
      async server(owner, { worker, release }) {
        // What it says nobody hears: as if it were gone at once.
        const bus = createInProcessBus()
        const journal = createJournal<RunTold>({
          database,
          bus,
          clock,
          store: createJournalStore(database),
          shownAs: logEntryOf,
          onPublishError: () => {},
        })
        const engine = createEmbeddedEngine({
          store: createRunStore(database),
          writers: database.writers,
          takesNew: () => true,
          count: () => {},
          logger: pino({ level: 'silent' }),
          ...{ journal, worker, release, bus, clock, owner },
        })
        engines.push(engine)
        return { engine, die: () => clock.advance(91_000) }
      },
      async close() {
        await Promise.all(engines.map((engine) => engine.stop()))
        await t.close()
      },
    }
  }),
)
