/** A server in a process of its own, for tests that kill it. Settings come from the environment; prints its address. */
import { startServer } from '../src/main.ts'

const { address } = await startServer()
process.stdout.write(`${address}\n`)
