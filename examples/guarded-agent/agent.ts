/**
 * An agent of your own under contract. Start the server, upload and deploy `examples/bundles/assistant.yaml`, create an API key, then:
 *
 *   LICTOR_API_KEY=edk_production_… node examples/guarded-agent/agent.ts
 */
import { Edictum, EdictumDenied } from '@lictor/guard'

const guard = await Edictum.fromServer({
  url: process.env.LICTOR_URL ?? 'http://localhost:8000',
  apiKey: process.env.LICTOR_API_KEY ?? '',
  agentId: 'my-agent',
  bundleName: 'assistant',
})

const tools = {
  read_file: async ({ path }: { path: string }) => `contents of ${path}`,
  delete_file: async ({ path }: { path: string }) => `deleted ${path}`,
}

/** What a framework would do for you: make the call through the guard, tell the model when it is refused. */
async function call(tool: keyof typeof tools, args: { path: string }): Promise<void> {
  try {
    console.log(`${tool} ${args.path}: ${await guard.run(tool, args, tools[tool])}`)
  } catch (error) {
    if (!(error instanceof EdictumDenied)) throw error
    console.log(`${tool} ${args.path} was refused: ${error.reason}`)
  }
}

await call('read_file', { path: '.env' })
await call('read_file', { path: 'data.csv' })
await call('delete_file', { path: 'old.csv' }) // waits for somebody at the console
await call('delete_file', { path: 'new.csv' })
if (process.argv.includes('--until-updated')) {
  // A version deployed while the agent runs takes effect without a restart.
  const before = guard.policyVersion
  console.log('waiting for another version')
  while (guard.policyVersion === before) await new Promise((resolve) => setTimeout(resolve, 100))
  await call('read_file', { path: 'data.csv' })
}
await guard.close()
