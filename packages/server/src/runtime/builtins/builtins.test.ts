import { AgentManifest, WorkflowManifest } from '@lictor/aegis'
import { afterEach, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import {
  allEvents,
  call,
  deployAgent,
  scriptEnvironment,
  serviceHeaders,
  startExecution,
  until,
} from '../../../test/runtime.ts'
import { loadTemplates } from '../templates/renderer.ts'
import { isDue } from './builtins.ts'
import { BUILTIN, builtinAgents, builtinWorkflows } from './manifests.ts'

describe('what comes with the server', () => {
  it('is manifests that nothing is to be said against', async () => {
    for (const text of builtinAgents) expect(AgentManifest.parse(text).warnings).toEqual([])
    for (const text of builtinWorkflows) {
      const manifest = WorkflowManifest.parse(text)
      expect(manifest.warnings).toEqual([])
      const { problemOf } = await loadTemplates()
      for (const template of text.match(/\{\{.*\}\}/g) ?? [])
        if (!template.includes('#if') && !template.includes('/if'))
          expect([template, problemOf(template)]).toEqual([template, null])
    }
  })

  it('is deployed where it is missing or older and our own; by force, over whatever else stands there', () => {
    const own = { version: '1.10.0', text: 'new' }
    const standing = (version: string, isOurs: boolean, manifestYaml = 'old') => ({
      version,
      manifestYaml,
      manifest: { metadata: isOurs ? { annotations: { [BUILTIN]: 'true' } } : {} },
    })
    expect(isDue(null, own, 'off')).toBe(false)
    expect(isDue(null, own, 'on')).toBe(true)
    expect(isDue(standing('1.9.0', true), own, 'on')).toBe(true)
    expect(isDue(standing('1.10.0', true), own, 'on')).toBe(false)
    expect(isDue(standing('1.11.0', true), own, 'on')).toBe(false)
    expect(isDue(standing('1.9.0', false), own, 'on')).toBe(false)
    expect(isDue(standing('9.0.0', false), own, 'force')).toBe(true)
    expect(isDue(standing('1.10.0', true, 'new'), own, 'force')).toBe(false)
  })
})

onEachDatabase('deploying what comes with the server', (start) => {
  let t: TestServer
  afterEach(() => t.close())
  const names = async () => {
    const headers = await serviceHeaders(t)
    const of = async (url: string, list: string) =>
      (await t.request({ url, headers }))
        .json()
        [list].map((one: { name: string; scope: string; version: string }) => [one.name, one.scope, one.version])
    return {
      agents: await of('/v1/agents?visible=true&limit=100', 'agents'),
      workflows: await of('/v1/workflows?visible=true&limit=100', 'workflows'),
    }
  }

  it('unless it is asked for, nothing is deployed', async () => {
    t = await start()
    await t.listen()
    expect(await names()).toEqual({ agents: [], workflows: [] })
  })

  it('every tenant sees it, whatever quota of agents it has, and a server that starts again deploys nothing again', async () => {
    t = await start({ environment: { LICTOR_DEPLOY_BUILTINS: 'on', LICTOR_LIMITS: 'on', LICTOR_TIER: 'free' } })
    await t.listen()
    const first = await names()
    expect(first.workflows).toEqual([['builtin-intent-to-execution', 'global', '1.0.0']])
    expect(first.agents).toEqual(
      [
        ...['agent-creator-agent', 'intent-code-validator', 'intent-code-writer', 'intent-result-writer'],
        ...['output-judge-agent', 'stimulus-router-agent', 'workflow-creator-agent'],
      ].map((name) => [name, 'global', '1.0.0']),
    )
    const versions = () => t.server.database.db.selectFrom('agent_versions').select('id').execute()
    const before = await versions()
    await t.restart()
    await t.listen()
    expect(await names()).toEqual(first)
    expect(await versions()).toEqual(before)
  })

  it('is executed by this server as it is, also where agents are plain processes', async () => {
    t = await start({ environment: { LICTOR_SANDBOX: 'process' } })
    await t.listen()
    const headers = { ...(await serviceHeaders(t)), 'content-type': 'text/yaml' }
    for (const payload of builtinAgents) {
      const answer = await t.request({ method: 'POST', url: '/v1/agents', headers, payload })
      expect(answer.json()).toMatchObject({ scope: 'tenant', warnings: [] })
    }
  })

  it('writes an agent for who asks, and deploys it in the tenant that asked', async () => {
    const manifest = stringify({ name: 'made', language: 'javascript', version: '20', instruction: 'Count.' })
    t = await start({
      environment: {
        LICTOR_DEPLOY_BUILTINS: 'on',
        LICTOR_SANDBOX: 'process',
        ...scriptEnvironment([
          call('aegis.schema.get', { key: 'agent/manifest/v1' }),
          call('aegis.agent.create', { manifest_yaml: manifest }),
          { text: 'It is deployed.' },
        ]),
      },
    })
    const address = await t.listen()
    const headers = await serviceHeaders(t)
    const id = await deployAgent(
      t,
      headers,
      { tools: ['aegis.agent.generate'], runtime: { language: 'javascript', version: '20', model: 'scripted' } },
      {
        name: 'asker',
        annotations: {
          'lictor.dev/script': stringify({
            turns: [call('aegis.agent.generate', { input: 'count' }), { text: 'Asked.' }],
          }),
        },
      },
    )
    await allEvents(address, headers, await startExecution(t, headers, id))
    const made = async () => {
      const { agents } = (await t.request({ url: '/v1/agents?limit=100', headers })).json()
      return agents.filter(({ name }: { name: string }) => name === 'made')
    }
    await until(async () => (await made()).length === 1)
    expect(await made()).toMatchObject([{ name: 'made', scope: 'tenant' }])
  })
})
