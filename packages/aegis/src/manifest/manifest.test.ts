import { describe, expect, test } from 'vitest'
import { ManifestError } from './errors.ts'
import { AgentManifest } from './manifest.ts'

const minimal = `apiVersion: 100monkeys.ai/v1
kind: Agent
metadata:
  name: reviewer
  version: "1.0.0"
spec:
  runtime:
    language: python
    version: "3.12"
  task:
    instruction: Review the code.
`

function problem(act: () => unknown): ManifestError {
  try {
    act()
  } catch (error) {
    expect(error).toBeInstanceOf(ManifestError)
    return error as ManifestError
  }
  throw new Error('expected a ManifestError')
}

/** The minimal manifest with one line replaced. */
const withLine = (from: string, to: string): string => minimal.replace(from, to)

describe('reading a manifest', () => {
  test('a minimal manifest is accepted and keeps its texts', () => {
    const manifest = AgentManifest.parse(minimal)
    expect(manifest.toJSON()).toEqual({
      apiVersion: '100monkeys.ai/v1',
      kind: 'Agent',
      metadata: { name: 'reviewer', version: '1.0.0' },
      spec: { runtime: { language: 'python', version: '3.12' }, task: { instruction: 'Review the code.' } },
    })
    expect(manifest.warnings).toEqual([])
  })

  test('JSON text is read like YAML', () => {
    const manifest = AgentManifest.parse(JSON.stringify(AgentManifest.parse(minimal)))
    expect(manifest.metadata.name).toBe('reviewer')
  })

  test('a manifest that was read is itself accepted', () => {
    const manifest = AgentManifest.parse(minimal)
    expect(AgentManifest.from(manifest).toJSON()).toEqual(manifest.toJSON())
    expect(AgentManifest.from(manifest).warnings).toEqual([])
  })

  test('unquoted versions keep the characters they were written with', () => {
    const manifest = AgentManifest.parse(minimal.replace('"3.12"', '3.10').replace('"1.0.0"', '1.0'))
    expect(manifest.spec.runtime.version).toBe('3.10')
    expect(manifest.metadata.version).toBe('1.0')
  })

  test('env values and labels written as numbers or booleans are texts', () => {
    const manifest = AgentManifest.parse(`${minimal}  env: {PORT: 0x10, DEBUG: true, EMPTY: ""}\n`)
    expect(manifest.spec.env).toEqual({ PORT: '0x10', DEBUG: 'true', EMPTY: '' })
  })

  test('the enum tag the Python SDK writes is read as its value', () => {
    const manifest = AgentManifest.parse(
      withLine(
        '    language: python\n',
        '    language: python\n    image_pull_policy: !!python/object/apply:aegis.manifest.ImagePullPolicy\n    - IfNotPresent\n',
      ),
    )
    expect(manifest.spec.runtime.image_pull_policy).toBe('IfNotPresent')
  })

  test('empty validation, null fields, empty tools and older names are normalised', () => {
    const manifest = AgentManifest.parse(
      `${minimal}  tools: ["", fs.read]\n  security: null\n  execution: {mode: single, max_retries: 4, validation: {}}\n`,
    )
    expect(manifest.spec.tools).toEqual(['fs.read'])
    expect(manifest.spec).not.toHaveProperty('security')
    expect(manifest.spec.execution).toEqual({ mode: 'one-shot', max_iterations: 4, validation: [] })
  })

  test('unknown keys survive and are named with the key that was probably meant', () => {
    const manifest = AgentManifest.parse(`${minimal}  tool: [fs.read]\n`)
    expect(manifest.toJSON().spec).toHaveProperty('tool', ['fs.read'])
    expect(manifest.warnings).toEqual([
      {
        path: 'spec.tool',
        message: "unknown key spec.tool; did you mean 'tools'?",
        severity: 'warning',
        line: 12,
        column: 9,
      },
    ])
  })

  test('a manifest with every field of the format is accepted without warnings', () => {
    const manifest = AgentManifest.parse(everything)
    expect(manifest.warnings).toEqual([])
    expect(AgentManifest.parse(manifest.toYaml()).toJSON()).toEqual(manifest.toJSON())
  })
})

describe('the flat shorthand', () => {
  test('is spelled out as a manifest; version is the version of the language', () => {
    const manifest = AgentManifest.from({
      name: 'code-reviewer',
      language: 'python',
      version: '3.12',
      instruction: 'You are a code reviewer.',
    })
    expect(manifest.toJSON()).toEqual({
      apiVersion: '100monkeys.ai/v1',
      kind: 'Agent',
      metadata: { name: 'code-reviewer', version: '1.0.0' },
      spec: { runtime: { language: 'python', version: '3.12' }, task: { instruction: 'You are a code reviewer.' } },
    })
  })

  test('without a language, version is the version of the agent', () => {
    const manifest = AgentManifest.from({ name: 'a', image: 'ghcr.io/o/i:1', version: 2, instruction: 'Go.' })
    expect(manifest.metadata.version).toBe('2')
    expect(manifest.spec.runtime).toEqual({ image: 'ghcr.io/o/i:1' })
  })

  test('errors name the keys the author wrote', () => {
    const error = problem(() => AgentManifest.parse('name: Bad Name\nlanguage: python\nversion: "3.12"\n'))
    expect(error.issues).toEqual([
      {
        path: 'name',
        message: "Invalid metadata.name: 'Bad Name' must be lowercase alphanumeric with hyphens",
        severity: 'error',
        line: 1,
        column: 7,
      },
      {
        path: 'spec.task.instruction',
        message: 'spec.task.instruction is required — tell the agent what to do',
        severity: 'error',
        line: 1,
        column: 1,
      },
    ])
  })
})

describe('a refused manifest says where and why', () => {
  const cases: [name: string, text: string, path: string, message: string, line: number][] = [
    [
      'apiVersion',
      withLine('100monkeys.ai/v1', 'v2'),
      'apiVersion',
      "Invalid apiVersion: expected '100monkeys.ai/v1', got 'v2'",
      1,
    ],
    ['kind', withLine('kind: Agent', 'kind: Workflow'), 'kind', "Invalid kind: expected 'Agent', got 'Workflow'", 2],
    ['empty name', withLine('reviewer', '""'), 'metadata.name', 'metadata.name cannot be empty', 4],
    [
      'underscore',
      withLine('reviewer', 'my_agent'),
      'metadata.name',
      "Invalid metadata.name: 'my_agent' must be lowercase alphanumeric with hyphens",
      4,
    ],
    [
      'hyphen end',
      withLine('reviewer', 'a-'),
      'metadata.name',
      "Invalid metadata.name: 'a-' cannot start or end with hyphen",
      4,
    ],
    [
      'long name',
      withLine('reviewer', 'a'.repeat(64)),
      'metadata.name',
      `Invalid metadata.name: '${'a'.repeat(64)}' has 64 characters; at most 63 are allowed`,
      4,
    ],
    [
      'no version',
      withLine('  version: "1.0.0"\n', ''),
      'metadata.version',
      'metadata.version is required, e.g. "1.0.0"',
      4,
    ],
    [
      'language alone',
      withLine('    version: "3.12"\n', ''),
      'spec.runtime.language',
      'language requires version to be specified',
      8,
    ],
    [
      'version alone',
      withLine('    language: python\n', ''),
      'spec.runtime.version',
      'version requires language to be specified',
      8,
    ],
    [
      'both runtimes',
      withLine('    language: python\n', '    language: python\n    image: a/b\n'),
      'spec.runtime',
      'cannot specify both image and language+version (mutually exclusive)',
      8,
    ],
    [
      'no runtime',
      withLine('    language: python\n    version: "3.12"\n', '    model: fast\n'),
      'spec.runtime',
      'must specify either standard runtime (language+version) or custom runtime (image)',
      8,
    ],
    [
      'short image',
      withLine('    language: python\n    version: "3.12"\n', '    image: ubuntu\n'),
      'spec.runtime.image',
      'image must be fully-qualified: registry/repo:tag (e.g., ghcr.io/org/image:v1.0)',
      8,
    ],
    [
      'no task',
      withLine('  task:\n    instruction: Review the code.\n', ''),
      'spec.task',
      'spec.task is required — agent must have a non-empty task.instruction',
      7,
    ],
    [
      'no instruction',
      withLine('    instruction: Review the code.\n', '    prompt_template: x\n'),
      'spec.task.instruction',
      'spec.task.instruction is required — tell the agent what to do',
      11,
    ],
    [
      'blank instruction',
      withLine('Review the code.', '"  "'),
      'spec.task.instruction',
      'spec.task.instruction must not be empty — tell the agent what to do',
      11,
    ],
    [
      'iterations',
      `${minimal}  execution: {max_iterations: 256}\n`,
      'spec.execution.max_iterations',
      'spec.execution.max_iterations must be between 1 and 255, not 256',
      12,
    ],
    [
      'mode',
      `${minimal}  execution: {mode: forever}\n`,
      'spec.execution.mode',
      "spec.execution.mode must be one of one-shot, iterative, not 'forever'",
      12,
    ],
    [
      'retries clash',
      `${minimal}  execution: {max_retries: 2, max_iterations: 3}\n`,
      'spec.execution.max_retries',
      'spec.execution has both max_iterations and its alias max_retries, with different values; keep one',
      12,
    ],
    [
      'validator tag',
      `${minimal}  execution:\n    validation:\n    - {type: magic}\n`,
      'spec.execution.validation[0].type',
      "spec.execution.validation[0].type must be one of exit_code, json_schema, regex, semantic, multi_judge, not 'magic'",
      14,
    ],
    [
      'timeout',
      `${minimal}  security: {resources: {timeout: soon}}\n`,
      'spec.security.resources.timeout',
      "spec.security.resources.timeout: 'soon' is not a duration; write for example 300s, 5m or 1h",
      12,
    ],
    [
      'memory',
      `${minimal}  security: {resources: {memory: lots}}\n`,
      'spec.security.resources.memory',
      "spec.security.resources.memory: 'lots' is not a size; write for example 512Mi, 1Gi or plain bytes",
      12,
    ],
    ['tools', `${minimal}  tools: fs.read\n`, 'spec.tools', 'spec.tools must be a list, not a string', 12],
    ['tool', `${minimal}  tools: [fs.read, 7]\n`, 'spec.tools[1]', 'spec.tools[1] must be a string, not a number', 12],
    [
      'access',
      `${minimal}  volumes:\n  - {name: v, mount_path: /workspace/v, access_mode: rw}\n`,
      'spec.volumes[0].access_mode',
      "spec.volumes[0].access_mode must be one of read-only, read-write, not 'rw'",
      13,
    ],
    [
      'same volume twice',
      `${minimal}  volumes:\n  - {name: v, mount_path: /a}\n  - {name: v, mount_path: /b}\n`,
      'spec.volumes[1].name',
      "spec.volumes names volume 'v' twice",
      14,
    ],
    ['env', `${minimal}  env: {A: [1]}\n`, 'spec.env.A', 'spec.env.A must be a string, not a list', 12],
    [
      'isolation',
      withLine('    language: python\n', '    language: python\n    isolation: docer\n'),
      'spec.runtime.isolation',
      "spec.runtime.isolation must be one of inherit, firecracker, docker, process, not 'docer'",
      9,
    ],
    ['scalar', '42\n', '', 'the document must be an object, not a number', 1],
    ['list', '- a\n', '', 'the document must be an object, not a list', 1],
    [
      'metadata type',
      withLine('  name: reviewer\n  version: "1.0.0"\n', '  - x\n'),
      'metadata',
      'metadata must be an object, not a list',
      4,
    ],
  ]
  test.each(cases)('%s', (_, text, path, message, line) => {
    const error = problem(() => AgentManifest.parse(text))
    expect(error.code).toBe('manifest_invalid')
    expect(error.issues[0]).toMatchObject({ path, message, severity: 'error', line })
    expect(error.issues).toHaveLength(1)
    expect(error.message).toContain(message)
  })

  test('every problem is reported at once', () => {
    const error = problem(() => AgentManifest.parse('kind: Agent\nmetadata: {name: A}\nspec: {runtime: {}}\n'))
    expect(error.issues.map(({ path }) => path)).toEqual([
      'apiVersion',
      'metadata.name',
      'metadata.version',
      'spec.runtime',
      'spec.task',
    ])
  })

  test('a bad regular expression is refused, a Python flavoured one is not', () => {
    const withPattern = (pattern: string) =>
      AgentManifest.parse(`${minimal}  execution: {validation: [{type: regex, pattern: '${pattern}'}]}\n`)
    expect(() => withPattern('(?i)^(?P<word>ok)$')).not.toThrow()
    expect(problem(() => withPattern('(')).issues[0]?.path).toBe('spec.execution.validation[0].pattern')
  })
})

describe('text that is no manifest at all', () => {
  const cases: [name: string, text: string, message: RegExp, line: number][] = [
    ['empty', '', /empty/, 1],
    ['only a comment', '# nothing\n', /empty/, 1],
    ['unclosed bracket', 'a: [1\nb: 2', /not readable as YAML/, 2],
    ['truncated JSON', '{"kind": "Agent", ', /not readable as YAML/, 1],
    ['a text too large', `${minimal}# ${'x'.repeat(262_144)}`, /at most 262144 are read/, 1],
    ['duplicate key', `${minimal}kind: Agent\n`, /not readable as YAML: Map keys must be unique/, 12],
    ['two documents', `${minimal}---\n${minimal}`, /more than one YAML document/, 12],
    ['tab indent', 'a:\n\t- b\n', /not readable as YAML/, 2],
    ['binary', '\u0000\u0001\u0002', /the document must be an object|not readable/, 1],
    ['deep nesting', '['.repeat(200_000), /nested more than 100 levels|not readable/, 1],
  ]
  test.each(cases)('%s', (_, text, message, line) => {
    const error = problem(() => AgentManifest.parse(text))
    expect(error.message).toMatch(message)
    expect(error.issues[0]?.line).toBe(line)
  })

  test('an alias bomb is refused', () => {
    const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]']
    for (let step = 1; step < 10; step++) {
      const [from, to] = [String.fromCharCode(96 + step), String.fromCharCode(97 + step)]
      bomb.push(`${to}: &${to} [${Array(9).fill(`*${from}`).join(',')}]`)
    }
    expect(problem(() => AgentManifest.parse(bomb.join('\n'))).code).toBe('manifest_unreadable')
  })

  test('a key named __proto__ changes nothing but the document', () => {
    const manifest = AgentManifest.parse(`${minimal}  env: {__proto__: polluted}\n`)
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    expect(Object.entries(manifest.spec.env ?? {})).toEqual([['__proto__', 'polluted']])
  })
})

const everything = `apiVersion: 100monkeys.ai/v1
kind: Agent
metadata:
  name: everything
  version: 1.0.0
  description: All of it
  tags: [a]
  labels: {team: ci}
  annotations: {x: y}
spec:
  runtime: {image: ghcr.io/o/i:1, image_pull_policy: Always, isolation: docker, model: smart, temperature: 0.2}
  task: {instruction: Go, prompt_template: "{{input}}", input_data: {a: [1]}, agentskills: ["ns:skill"]}
  execution:
    mode: iterative
    max_iterations: 3
    iteration_timeout: 600s
    llm_timeout_seconds: 300
    memory: false
    tool_validation: [{type: semantic, judge_agent: j, criteria: c}]
    validation:
    - {type: exit_code, expected: 0, min_score: 1}
    - {type: json_schema, schema: {type: object}, min_score: 1}
    - {type: regex, pattern: "^ok", target: stderr, min_score: 1}
    - {type: semantic, judge_agent: j, criteria: c, min_score: 0.7, min_confidence: 0, timeout_seconds: 300}
    - {type: multi_judge, judges: [a, b], consensus: weighted_average, min_judges_required: 1, criteria: c}
    delivery: {destinations: [{name: d, condition: always, type: webhook, webhook: {url: "https://x"}}]}
  security:
    network: {mode: allow, allowlist: [a.example], denylist: []}
    filesystem: {read: [/workspace], write: [/workspace], read_only: false}
    resources: {cpu: 1000, memory: 512Mi, disk: 1Gi, timeout: 1h30m}
  security_context: default
  tools: [fs.read, {name: cmd.run, executor: "builtin:cmd", config: {subcommand_allowlist: {git: [status]}}}]
  env: {A: "secret:x"}
  volumes: [{name: v, storage_class: ephemeral, type: seaweedfs, mount_path: /workspace/v, access_mode: read-only, size_limit: 1Gi, ttl_hours: 1, source: {volume_id: x}}]
  context:
  - {type: text, content: c, description: d}
  - {type: file, path: /a}
  - {type: directory, path: /a}
  - {type: url, url: "https://x"}
  schedule: {type: cron, cron: "* * * * *", timezone: UTC, enabled: true}
  output_handler: {type: webhook, url: "https://x", method: POST, headers: {a: b}, body_template: t, timeout_seconds: 3, required: true}
  delivery: {destinations: []}
  advanced: {warm_pool_size: 0, swarm_enabled: false, startup_script: s, bootstrap_path: /b, health_check: {path: /h, interval_seconds: 1, timeout_seconds: 1}}
  input_schema: {type: object}
`

test('thousands of unknown keys cost no more than a hundred complaints', () => {
  const keys = Array.from({ length: 20_000 }, (_, index) => `k${index}: 1`).join('\n')
  try {
    AgentManifest.parse(keys)
    expect.unreachable()
  } catch (error) {
    expect(error).toBeInstanceOf(ManifestError)
    expect((error as ManifestError).issues.length).toBeLessThanOrEqual(100)
  }
})
