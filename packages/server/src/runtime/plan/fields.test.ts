import { AgentManifest, manifestFields } from '@lictor/aegis'
import { describe, expect, it } from 'vitest'
import { warningsOf } from '../agents/warnings.ts'
import { planOf } from './plan.ts'

/** What becomes of a field of a manifest. `set` is a manifest's `spec` that sets it. */
type Fate =
  /** Somebody does what it says; the text says who. */
  | { readonly effect: string }
  /** The plan of an execution is another with it. */
  | { readonly plans: object }
  /** The agent is not executed, and the reason names the field. */
  | { readonly refused: object; readonly naming?: string }
  /** Whoever deploys it is told, by the field's name. */
  | { readonly warned: object; readonly naming?: string }
  /** It only holds the fields in it. */
  | 'holds others'

const execution = (more: object) => ({ execution: { mode: 'iterative', ...more } })
const validation = (validator: object) => execution({ validation: [validator] })
const handler = 'children/output-handlers: runs when an attempt was accepted'
const volume = 'volumes: mounts and bounds'

const fates: Readonly<Record<string, Fate>> = {
  apiVersion: { effect: 'the manifest is refused unless it is the one' },
  kind: { effect: 'the manifest is refused unless it is Agent' },
  metadata: 'holds others',
  'metadata.name': { effect: 'agents: the name it is found by, and governance knows it by' },
  'metadata.version': { effect: 'agents: versions and conflicts of deploys' },
  'metadata.description': { effect: 'agents: shown, and the instruction where there is none' },
  'metadata.tags': { effect: 'agents: shown as capability_tags' },
  'metadata.labels': { effect: 'agents: tags of its registration, its type, its environment' },
  'metadata.annotations': { effect: 'agents: shown; the plan reads lictor.dev/…' },
  spec: 'holds others',
  'spec.runtime': 'holds others',
  'spec.runtime.language': { refused: { runtime: { language: 'cobol', version: '1' } } },
  'spec.runtime.version': { refused: { runtime: { language: 'python', version: '2.7' } } },
  'spec.runtime.image': { effect: 'plan and sandbox: what the agent runs in' },
  'spec.runtime.image_pull_policy': { effect: 'sandbox: when an image is pulled' },
  'spec.runtime.isolation': { effect: 'sandbox: which one' },
  'spec.runtime.model': { plans: { runtime: { language: 'python', version: '3.12', model: 'fast' } } },
  'spec.runtime.temperature': { plans: { runtime: { language: 'python', version: '3.12', temperature: 1 } } },
  'spec.task': 'holds others',
  'spec.task.instruction': { plans: { task: { instruction: 'Other.' } } },
  'spec.task.prompt_template': { effect: 'admission/prompt.ts: the prompt' },
  'spec.task.input_data': { effect: 'admission/input.ts: what the caller does not give' },
  'spec.task.agentskills': { refused: { task: { instruction: 'x', agentskills: ['a:b'] } } },
  'spec.execution': 'holds others',
  'spec.execution.mode': { plans: { execution: { mode: 'one-shot' } } },
  'spec.execution.max_iterations': { plans: execution({ max_iterations: 9 }) },
  'spec.execution.iteration_timeout': { plans: execution({ iteration_timeout: '7s' }) },
  'spec.execution.llm_timeout_seconds': { plans: execution({ llm_timeout_seconds: 7 }) },
  'spec.execution.validation': { plans: validation({ type: 'exit_code' }) },
  'spec.execution.validation[][exit_code].type': { plans: validation({ type: 'exit_code' }) },
  'spec.execution.validation[][exit_code].expected': { plans: validation({ type: 'exit_code', expected: 3 }) },
  'spec.execution.validation[][exit_code].min_score': { plans: validation({ type: 'exit_code', min_score: 0.1 }) },
  'spec.execution.validation[][json_schema].type': { plans: validation({ type: 'json_schema' }) },
  'spec.execution.validation[][json_schema].schema': {
    plans: validation({ type: 'json_schema', schema: { type: 'null' } }),
  },
  'spec.execution.validation[][json_schema].schema_path': {
    plans: validation({ type: 'json_schema', schema_path: 'a' }),
  },
  'spec.execution.validation[][json_schema].target_path': {
    plans: validation({ type: 'json_schema', target_path: 'a' }),
  },
  'spec.execution.validation[][json_schema].min_score': { plans: validation({ type: 'json_schema', min_score: 0 }) },
  'spec.execution.validation[][regex].type': { plans: validation({ type: 'regex', pattern: 'a' }) },
  'spec.execution.validation[][regex].pattern': { plans: validation({ type: 'regex', pattern: 'b' }) },
  'spec.execution.validation[][regex].target': { plans: validation({ type: 'regex', pattern: 'a', target: 'stderr' }) },
  'spec.execution.validation[][regex].min_score': { plans: validation({ type: 'regex', pattern: 'a', min_score: 0 }) },
  ...Object.fromEntries(
    Object.entries({
      type: {},
      judge_agent: { judge_agent: 'other' },
      criteria: { criteria: 'Short.' },
      min_score: { min_score: 0.9 },
      min_confidence: { min_confidence: 0.9 },
      timeout_seconds: { timeout_seconds: 9 },
    }).flatMap(([field, more]) => [
      [
        `spec.execution.validation[][semantic].${field}`,
        { plans: validation({ type: 'semantic', judge_agent: 'judge', ...more }) },
      ],
      [
        `spec.execution.tool_validation[][semantic].${field}`,
        { plans: execution({ tool_validation: [{ type: 'semantic', judge_agent: 'judge', ...more }] }) },
      ],
    ]),
  ),
  ...Object.fromEntries(
    Object.entries({
      type: {},
      judges: { judges: ['a', 'b'] },
      consensus: { consensus: 'majority' },
      min_judges_required: { judges: ['a', 'b'], min_judges_required: 2 },
      criteria: { criteria: 'Short.' },
      min_score: { min_score: 0.9 },
      min_confidence: { min_confidence: 0.9 },
      timeout_seconds: { timeout_seconds: 9 },
    }).flatMap(([field, more]) => [
      [
        `spec.execution.validation[][multi_judge].${field}`,
        { plans: validation({ type: 'multi_judge', judges: ['a'], ...more }) },
      ],
      [
        `spec.execution.tool_validation[][multi_judge].${field}`,
        { plans: execution({ tool_validation: [{ type: 'multi_judge', judges: ['a'], ...more }] }) },
      ],
    ]),
  ),
  'spec.execution.validation.system': { plans: execution({ validation: { system: {} } }) },
  'spec.execution.validation.system.must_succeed': { effect: 'validation/checks.ts: false asks for no exit code' },
  'spec.execution.validation.system.allow_stderr': {
    plans: execution({ validation: { system: { allow_stderr: true } } }),
  },
  'spec.execution.validation.system.timeout_seconds': {
    plans: execution({ validation: { system: { timeout_seconds: 9 } } }),
  },
  'spec.execution.validation.output': 'holds others',
  'spec.execution.validation.output.format': { plans: execution({ validation: { output: { format: 'yaml' } } }) },
  'spec.execution.validation.output.schema': { plans: execution({ validation: { output: { schema: {} } } }) },
  'spec.execution.validation.output.regex': { plans: execution({ validation: { output: { regex: 'a' } } }) },
  'spec.execution.validation.script': 'holds others',
  'spec.execution.validation.script.path': { plans: execution({ validation: { script: { path: 'a.py' } } }) },
  'spec.execution.validation.script.description': { effect: 'says to people what the script is for' },
  'spec.execution.validation.script.timeout_seconds': {
    plans: execution({ validation: { script: { path: 'a.py', timeout_seconds: 9 } } }),
  },
  'spec.execution.validation.semantic': { plans: execution({ validation: { semantic: {} } }) },
  'spec.execution.validation.semantic.enabled': { effect: 'validation/checks.ts: false asks nobody' },
  'spec.execution.validation.semantic.model': { plans: execution({ validation: { semantic: { model: 'fast' } } }) },
  'spec.execution.validation.semantic.prompt': { plans: execution({ validation: { semantic: { prompt: 'Is it?' } } }) },
  'spec.execution.validation.semantic.threshold': {
    plans: execution({ validation: { semantic: { threshold: 0.1 } } }),
  },
  'spec.execution.validation.semantic.timeout_seconds': {
    plans: execution({ validation: { semantic: { timeout_seconds: 9 } } }),
  },
  'spec.execution.validation.semantic.fallback_on_unavailable': {
    plans: execution({ validation: { semantic: { fallback_on_unavailable: 'skip' } } }),
  },
  'spec.execution.tool_validation': { plans: execution({ tool_validation: [{ type: 'semantic', judge_agent: 'x' }] }) },
  ...Object.fromEntries(
    [
      ['exit_code', ['type', 'expected', 'min_score'], {}],
      ['json_schema', ['type', 'schema', 'schema_path', 'target_path', 'min_score'], {}],
      ['regex', ['type', 'pattern', 'target', 'min_score'], { pattern: 'a' }],
    ].flatMap(([type, fields, more]) =>
      (fields as string[]).map((field) => [
        `spec.execution.tool_validation[][${type as string}].${field}`,
        {
          refused: execution({ tool_validation: [{ type, ...(more as object) }] }),
          naming: 'spec.execution.tool_validation[0]',
        },
      ]),
    ),
  ),
  'spec.execution.delivery': 'holds others',
  'spec.execution.delivery.destinations': {
    refused: execution({ delivery: { destinations: [{ name: 'x', type: 'email' }] } }),
    naming: 'spec.execution.delivery',
  },
  'spec.execution.memory': { refused: execution({ memory: true }) },
  'spec.security': 'holds others',
  'spec.security.network': 'holds others',
  'spec.security.network.mode': { plans: { security: { network: { mode: 'none' } } } },
  'spec.security.network.allowlist': { plans: { security: { network: { allowlist: ['example.com'] } } } },
  'spec.security.network.denylist': {
    plans: { security: { network: { allowlist: ['*'], denylist: ['example.com'] } } },
  },
  'spec.security.filesystem': 'holds others',
  'spec.security.filesystem.read': { plans: { security: { filesystem: { read: ['/workspace/a'] } } } },
  'spec.security.filesystem.write': { plans: { security: { filesystem: { write: ['/workspace/a'] } } } },
  'spec.security.filesystem.read_only': { plans: { security: { filesystem: { read_only: true } } } },
  'spec.security.resources': 'holds others',
  'spec.security.resources.cpu': { effect: 'sandbox: share of processors' },
  'spec.security.resources.memory': { plans: { security: { resources: { memory: '1Gi' } } } },
  'spec.security.resources.disk': { plans: { security: { resources: { disk: '2Gi' } } } },
  'spec.security.resources.timeout': { plans: { security: { resources: { timeout: '9s' } } } },
  'spec.security_context': { effect: 'admission: what the agent may call at all' },
  'spec.tools': { plans: { tools: ['fs.read'] } },
  'spec.tools[].name': { plans: { tools: [{ name: 'fs.read' }] } },
  'spec.tools[].server': { effect: 'tools: the name says which server it is of' },
  'spec.tools[].executor': { effect: 'tools: the name says who runs it' },
  'spec.tools[].config': { refused: { tools: [{ name: 'cmd.run', config: { timeout_ceiling_secs: 5 } }] } },
  'spec.env': { warned: { env: { PATH: '/x' } }, naming: 'spec.env.PATH' },
  'spec.volumes': { effect: volume },
  ...Object.fromEntries(
    [
      ...[
        'name',
        'storage_class',
        'type',
        'provider',
        'config',
        'mount_path',
        'access_mode',
        'size_limit',
        'ttl_hours',
      ],
      ...['source', 'source.volume_id'],
    ].map((field) => [`spec.volumes[].${field}`, { effect: volume }]),
  ),
  'spec.context': { effect: 'admission/context.ts: variable of the prompt' },
  ...Object.fromEntries(
    [
      ...['text.content', 'file.path', 'directory.path', 'url.url'].map((one) => one.split('.') as [string, string]),
      ...['text', 'file', 'directory', 'url'].flatMap((type) => [
        [type, 'type'] as const,
        [type, 'description'] as const,
      ]),
    ].map(([type, field]) => [
      `spec.context[][${type}].${field}`,
      { effect: 'admission/context.ts, by admission.test.ts' },
    ]),
  ),
  'spec.schedule': { effect: 'schedules: what is started by the clock' },
  ...Object.fromEntries(
    ['cron.type', 'cron.cron', 'cron.timezone', 'cron.enabled', 'interval.type', 'interval.seconds', 'interval.enabled']
      .map((one) => one.split('.'))
      .map(([type, field]) => [`spec.schedule[${type}].${field}`, { effect: 'schedules, by schedules.test.ts' }]),
  ),
  'spec.schedule[manual].type': { effect: 'says that nothing starts by itself, which is so' },
  'spec.output_handler': { effect: handler },
  ...Object.fromEntries(
    [
      ...['type', 'agent_id', 'input_template', 'timeout_seconds', 'required'].map((field) => `[agent].${field}`),
      ...['type', 'image', 'command', 'env', 'resources', 'required'].map((field) => `[container].${field}`),
      ...['type', 'tool_name', 'arguments', 'timeout_seconds', 'required'].map((field) => `[mcp_tool].${field}`),
      ...['type', 'url', 'method', 'headers', 'body_template', 'timeout_seconds', 'retry', 'required'].map(
        (field) => `[webhook].${field}`,
      ),
    ].map((field) => [`spec.output_handler${field}`, { effect: handler }]),
  ),
  'spec.delivery': 'holds others',
  'spec.delivery.destinations': {
    refused: { delivery: { destinations: [{ name: 'x', type: 'email' }] } },
    naming: 'spec.delivery',
  },
  'spec.advanced': 'holds others',
  'spec.advanced.warm_pool_size': { effect: 'sandbox: instances that wait' },
  'spec.advanced.swarm_enabled': { plans: { advanced: { swarm_enabled: true } } },
  'spec.advanced.startup_script': { refused: { advanced: { startup_script: 'echo' } } },
  'spec.advanced.bootstrap_path': { effect: 'executions/attempt.ts: the agent’s own program' },
  'spec.advanced.health_check': { refused: { advanced: { health_check: {} } } },
  ...Object.fromEntries(
    [
      ['path', '/x'],
      ['interval_seconds', 5],
      ['timeout_seconds', 5],
    ].map(([field, value]) => [
      `spec.advanced.health_check.${field}`,
      { refused: { advanced: { health_check: { [field as string]: value } } }, naming: 'spec.advanced.health_check' },
    ]),
  ),
  'spec.input_schema': { effect: 'admission/input.ts: what the input must be' },
}

const manifestOf = (spec: object) =>
  AgentManifest.from({
    apiVersion: '100monkeys.ai/v1',
    kind: 'Agent',
    metadata: { name: 'worker', version: '1.0.0' },
    spec: {
      runtime: { language: 'python', version: '3.12' },
      task: { instruction: 'Work.' },
      execution: { mode: 'iterative' },
      ...spec,
    },
  })
const tools = { find: () => ({}), list: () => [] }

describe('every field of a manifest is honoured, refused or warned of', () => {
  it('none is missing here, and none that there is not is named', () => {
    expect(Object.keys(fates).sort()).toEqual(manifestFields().sort())
  })

  const plain = planOf(manifestOf({}))
  it.each(Object.entries(fates).flatMap(([path, fate]) => (typeof fate === 'string' ? [] : [[path, fate] as const])))(
    '%s',
    (path, fate) => {
      if ('plans' in fate) expect(planOf(manifestOf(fate.plans))).not.toEqual(plain)
      else if ('refused' in fate) {
        const [warning] = warningsOf(manifestOf(fate.refused), tools)
        expect(warning).toMatch(/^This server will refuse to execute this agent: /)
        expect(warning).toContain(fate.naming ?? path)
      } else if ('warned' in fate) expect(warningsOf(manifestOf(fate.warned), tools)[0]).toContain(fate.naming ?? path)
      else expect(fate.effect).not.toBe('')
    },
  )
})
