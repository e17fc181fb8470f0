import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Person, prove } from '../proofs/assistants/cases.ts'
import { programsFolder } from '../proofs/assistants/install.ts'
import { personOf } from '../proofs/assistants/person.ts'
import { programs, startable } from '../proofs/assistants/programs.ts'
import { administrator, type ServerProcess, startServer } from './support/server.ts'

/** The two smallest; `npm run proofs:assistants` runs all seven. Where one is not installed it is skipped, and counted. */
const smallest = programs.filter(({ assistant }) => assistant === 'gemini' || assistant === 'qwen')
const isAny = smallest.some((program) => startable(programsFolder, program) !== null)

let server: ServerProcess | undefined
let person: Person
beforeAll(async () => {
  if (!isAny) return
  server = await startServer()
  person = await personOf(await administrator(server.url))
})
afterAll(async () => {
  await server?.stop()
})

describe.each(smallest)('$assistant', (program) => {
  const executable = startable(programsFolder, program)
  test.skipIf(executable === null).each(['denied', 'allowed', 'person', 'missing'] as const)(
    'the gate holds a real program: %s',
    async (which) => {
      const { isHeld, detail } = await prove(program, executable ?? '', which, person, null)
      expect([isHeld, detail]).toEqual([true, detail])
    },
  )
})
