import { stringify } from 'yaml'
import type { Library } from './library.ts'
import type { People } from './people.ts'
import type { Stage } from './stage.ts'

/** The assistant, before and after somebody configured it. */
export async function recordAssistant({ call, succeed, as, person, definition, bundle }: Stage & People & Library) {
  const describe = {
    ...as(person),
    body: { name: 'No .env', type: 'pre', definition_yaml: stringify(definition), tags: ['secrets'] },
  }
  const question = {
    ...as(person),
    body: { messages: [{ role: 'user', content: 'What does this contract do?' }], current_yaml: bundle },
  }
  await call('POST /api/v1/contracts/generate-description', describe)
  await call('POST /api/v1/contracts/assist', question)
  await call('POST /api/ai/assist', question)
  await succeed('PUT /api/v1/settings/ai', {
    ...as(person),
    body: { provider: 'anthropic', api_key: 'an example of a key', model: 'claude-haiku-4-5' },
  })
  await succeed('GET /api/v1/settings/ai', as(person))
  await succeed('POST /api/v1/settings/ai/test', as(person))
  await succeed('POST /api/v1/contracts/generate-description', describe)
  await succeed('POST /api/v1/contracts/assist', question)
  await succeed('POST /api/ai/assist', question)
  await succeed('GET /api/v1/settings/ai/usage', { ...as(person), query: { days: '7' } })
  await succeed('DELETE /api/v1/settings/ai', as(person))
}
