/** Makes the calls and writes what came of each, as JSON, with errors as their texts. */
const settled = (promise) =>
  promise.catch((error) => ({ error: String(error.message), code: typeof error.code === 'number' ? error.code : null }))

export async function tell(client, calls) {
  const capabilities = client.getServerCapabilities() ?? {}
  const told = {
    server: client.getServerVersion(),
    capabilities,
    instructions: client.getInstructions() ?? null,
    tools: await settled(client.listTools()),
    prompts: capabilities.prompts ? await settled(client.listPrompts()) : null,
    resources: capabilities.resources ? await settled(client.listResources()) : null,
    answers: [],
  }
  for (const [name, parameters] of calls)
    told.answers.push(await settled(client.callTool({ name, arguments: parameters })))
  await client.close()
  process.stdout.write(JSON.stringify(told))
}
