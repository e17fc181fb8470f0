import type { AgentManifestDocument } from '@lictor/aegis'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { ToolFailed } from '../tools/tool.ts'
import { madeAgentOf } from './made-agent.ts'

const python = { language: 'python', version: '3.12' }
const manifest = (spec: object = {}, metadata: object = {}): AgentManifestDocument => ({
  apiVersion: '100monkeys.ai/v1',
  kind: 'Agent',
  metadata: { name: 'made', version: '1.0.0', ...metadata },
  spec: { runtime: python, task: { instruction: 'Help.' }, ...spec },
})
const maker = manifest({
  runtime: { ...python, isolation: 'process' },
  tools: ['fs.read', 'web.fetch'],
  advanced: { swarm_enabled: true },
  security: {
    network: { allowlist: ['a.example', '*.b.example:443'], denylist: ['c.example'] },
    resources: { memory: '256Mi', cpu: 500, disk: '1Gi', timeout: '10m' },
  },
})
const canonical = (name: string) => (name === 'read_file' ? 'fs.read' : name)
const make = (text: string, of = maker) => madeAgentOf(text, of, { id: 'm1', canonical })
const made = (spec: object, metadata: object = {}, of = maker) => make(stringify(manifest(spec, metadata)), of)

describe('a manifest that an agent writes reaches nothing that its maker does not', () => {
  const beyond = (path: string) =>
    `${path}: an agent that another writes cannot have it; whoever may deploy agents can.`
  it.each<[field: string, spec: object, metadata: object, says: string]>([
    ['env', { env: { A: 'secret:x' } }, {}, beyond('spec.env')],
    ['volumes', { volumes: [{ name: 'v', mount_path: '/workspace/v' }] }, {}, beyond('spec.volumes')],
    [
      'output_handler',
      { output_handler: { type: 'webhook', url: 'https://x.example' } },
      {},
      beyond('spec.output_handler'),
    ],
    ['context', { context: [{ type: 'url', url: 'https://x.example' }] }, {}, beyond('spec.context')],
    ['schedule', { schedule: { type: 'manual' } }, {}, beyond('spec.schedule')],
    ['image', { runtime: { image: 'r.example/a/b:1' } }, {}, beyond('spec.runtime.image')],
    ['warm instances', { advanced: { warm_pool_size: 1 } }, {}, beyond('spec.advanced.warm_pool_size')],
    ['skills', { task: { instruction: 'x', agentskills: ['a:b'] } }, {}, beyond('spec.task.agentskills')],
    [
      'sandbox',
      { runtime: { ...python, isolation: 'docker' } },
      {},
      "spec.runtime.isolation: it is 'process' for the agent that begins it; leave it out.",
    ],
    ['tools', { tools: ['cmd.run'] }, {}, "spec.tools: 'cmd.run' is none of the tools of the agent that begins it."],
    [
      'memory',
      { security: { resources: { memory: '512Mi' } } },
      {},
      'spec.security.resources.memory: 536870912 is more than the 268435456 of the agent that begins it.',
    ],
    [
      'processors',
      { security: { resources: { cpu: 501 } } },
      {},
      'spec.security.resources.cpu: 501 is more than the 500 of the agent that begins it.',
    ],
    [
      'time',
      { security: { resources: { timeout: '11m' } } },
      {},
      'spec.security.resources.timeout: 660000 is more than the 600000 of the agent that begins it.',
    ],
    [
      'questions to people',
      {},
      { annotations: { 'lictor.dev/max-questions': '21' } },
      'metadata.annotations.lictor.dev/max-questions: 21 is more than the 20 of the agent that begins it.',
    ],
    [
      'hosts',
      { security: { network: { allowlist: ['a.example', 'd.example'] } } },
      {},
      "spec.security.network.allowlist: 'd.example' stands in no allowlist of the agent that begins it; write it as it stands there.",
    ],
    [
      'every host',
      { security: { network: { allowlist: ['*'] } } },
      {},
      "spec.security.network.allowlist: '*' stands in no allowlist of the agent that begins it; write it as it stands there.",
    ],
    [
      'all hosts but some',
      { security: { network: { mode: 'deny' } } },
      {},
      "spec.security.network.mode: 'deny' reaches more hosts than the agent that begins it; name hosts in allowlist.",
    ],
    [
      'what judges see',
      {},
      { labels: { role: 'judge' } },
      'metadata.labels.role: an agent that another writes is no judge; judges are deployed.',
    ],
  ])('%s', (_field, spec, metadata, says) => {
    expect(() => made(spec, metadata)).toThrow(new ToolFailed(says, 422))
  })

  it('what is no manifest is refused with its place', () => {
    expect(() => make(': [')).toThrow(/^manifest_yaml: /)
    expect(() => make('kind: Agent')).toThrow(/^manifest_yaml: /)
    expect(() => made({}, { name: 'Not A Name' })).toThrow(/^manifest_yaml: .*name/s)
  })

  it('what it leaves out is its maker’s, and what its maker is denied stays denied', () => {
    const { manifest: own } = made({
      tools: ['read_file'],
      security: { network: { allowlist: ['A.example '] }, resources: { cpu: 100 } },
    })
    expect(own.spec.runtime.isolation).toBe('process')
    expect(own.spec.security).toEqual({
      network: { allowlist: ['A.example '], denylist: ['c.example'] },
      resources: { memory: '256Mi', cpu: 100, disk: '1Gi', timeout: '10m' },
    })
    expect(made({}).manifest.spec.security?.network).toBeUndefined()
  })

  it('tools of swarms are its own only where its maker has them', () => {
    const few = { ...maker, spec: { ...maker.spec, tools: ['aegis.spawn_child'] } }
    expect(() => made({ advanced: { swarm_enabled: true } }, {}, few)).toThrow(
      "spec.tools: 'aegis.await_child' is none of the tools of the agent that begins it.",
    )
    expect(made({ advanced: { swarm_enabled: true } })).toMatchObject({ id: 'm1', name: 'made', status: 'active' })
  })
})
