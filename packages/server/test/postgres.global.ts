import type { TestProject } from 'vitest/node'
import { startPostgres } from './postgres.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Address of a PostgreSQL server of this run's own, up to the database name; empty where none is installed. */
    postgresUrl: string
  }
}

/** One PostgreSQL server for the whole run. In CI its absence fails the run. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const server = await startPostgres({ durable: false })
  if (!server) {
    if (process.env.CI) throw new Error('PostgreSQL is not installed, and CI runs its suites.')
    console.warn('PostgreSQL is not installed: its suites are skipped.')
    project.provide('postgresUrl', '')
    return undefined
  }
  project.provide('postgresUrl', server.url)
  return () => server.stop()
}
