import { ConflictError, NotFoundError, PermissionDeniedError, UnprocessableEntityError } from '@lictor/aegis'
import { expect, it } from 'vitest'
import { driveGroup } from './driven.ts'

driveGroup('stimuli', (open) => {
  const yaml = `apiVersion: 100monkeys.ai/v1
kind: Workflow
metadata: { name: order }
spec:
  initial_state: ASK
  states: { ASK: { kind: Human, prompt: "Ship {{input.payload.article}}?", transitions: [] } }
`

  it('begin the workflow of their source, by the API and as a webhook, and tell of it', async () => {
    const { client } = await open()
    await client.registerWorkflow(yaml)
    const source = await client.putStimulusSource({ source: 'shop', workflow: 'order', secret: 'of-the-shop' })
    expect(source).toMatchObject({ source: 'shop', workflow: 'order', has_secret: true, signature: 'aegis' })
    const hook = await client.sendWebhook('shop', { article: 'lamp' })
    expect(hook.status).toBe('classified')
    const run = await client.getWorkflowExecution(hook.workflow_execution_id)
    expect(run).toMatchObject({ status: 'running', input: { stimulus_id: hook.id, payload: { article: 'lamp' } } })
    const sent = await client.ingestStimulus({ content: 'text', source: 'shop', idempotency_key: 'one' })
    const again = client.ingestStimulus({ content: 'text', source: 'shop', idempotency_key: 'one' })
    await expect(again).rejects.toThrow(ConflictError)
    await expect(again).rejects.toMatchObject({ body: { original_stimulus_id: sent.id } })
    expect(await client.getStimulus(sent.id)).toMatchObject({ content: 'text', classification: 'order' })
    const { stimuli, items, count } = await client.listStimuli({ limit: 1 })
    expect([items, count]).toEqual([stimuli, 1])
  })

  it('of an unknown source are refused, and so is who may not send any', async () => {
    const { client, account } = await open()
    await expect(client.sendWebhook('shop', {})).rejects.toThrow(NotFoundError)
    await expect(client.ingestStimulus({ content: 'x' })).rejects.toThrow(UnprocessableEntityError)
    await expect(client.putStimulusSource({ source: 'shop', workflow: 'order' })).rejects.toThrow(
      UnprocessableEntityError,
    )
    const reader = await account({ role: 'aegis:readonly' })
    await expect(reader.ingestStimulus({ content: 'x' })).rejects.toThrow(PermissionDeniedError)
    await client.registerWorkflow(yaml)
    await client.putStimulusSource({ source: 'shop', workflow: 'order' })
    expect((await client.listStimulusSources()).sources.map((one) => one.source)).toEqual(['shop'])
    expect(await client.deleteStimulusSource('shop')).toMatchObject({ status: 'deleted', source: 'shop' })
    await expect(client.sendWebhook('shop', {})).rejects.toThrow(NotFoundError)
  })
})
