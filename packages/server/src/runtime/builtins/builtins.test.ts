import { AgentManifest, WorkflowManifest } from '@lictor/aegis'
import { afterEach, describe, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { serviceHeaders } from '../../../test/runtime.ts'
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
        if (!template.includes('#if') && !template.includes('/if')) expect([template, problemOf(template)]).toEqual([template, null])
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
      (await t.request({ url, headers })).json()[list].map((one: { name: string; scope: string; version: string }) => [
        one.name,
        one.scope,
        one.version,
      ])
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

  it('every tenant sees it, and a server that starts again deploys nothing again', async () => {
    t = await start({ environment: { LICTOR_DEPLOY_BUILTINS: 'on' } })
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
})
