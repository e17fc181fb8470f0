const text = (description: string) => ({ type: 'string', description })
const texts = (description: string) => ({ type: 'array', items: { type: 'string' }, description })
const labels = (description: string) => ({ type: 'object', additionalProperties: { type: 'string' }, description })
const record = (description: string, properties: object, required: readonly string[] = []) => ({
  type: 'object',
  description,
  properties,
  ...(required.length > 0 ? { required } : {}),
})

/**
 * The manifest of an agent as JSON Schema: for whoever writes one. What of it holds beside the types is judged when it is checked
 * or deployed.
 */
export const agentManifestSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'agent/manifest/v1',
  title: 'Agent manifest',
  type: 'object',
  required: ['apiVersion', 'kind', 'metadata', 'spec'],
  additionalProperties: false,
  properties: {
    apiVersion: { const: '100monkeys.ai/v1' },
    kind: { const: 'Agent' },
    metadata: record(
      'What it is called.',
      {
        name: {
          type: 'string',
          pattern: '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$',
          maxLength: 63,
          description: 'Letters a to z, digits and hyphens.',
        },
        version: text('Version of the agent; a version is deployed once.'),
        description: text('What it is for.'),
        tags: texts('Words it is found by.'),
        labels: labels('Labels; `environment` says where it runs.'),
        annotations: labels('Notes for programs.'),
      },
      ['name', 'version'],
    ),
    spec: record(
      'What it does, and what it may.',
      {
        runtime: {
          ...record('What it runs in: a language with a version, or an image.', {
            language: { enum: ['python', 'javascript', 'typescript', 'rust', 'go'] },
            version: text('Version of the language, as a text: "3.12".'),
            image: text('Fully qualified image, registry/repository:tag.'),
            image_pull_policy: { enum: ['Always', 'IfNotPresent', 'Never'] },
            isolation: { enum: ['inherit', 'docker', 'firecracker', 'process'] },
            model: text('Alias of the model (default).'),
            temperature: { type: 'number', minimum: 0, maximum: 2 },
          }),
          oneOf: [{ required: ['language', 'version'] }, { required: ['image'] }],
        },
        task: record(
          'What it is told.',
          {
            instruction: { type: 'string', minLength: 1, description: 'Its instruction.' },
            prompt_template: text('Handlebars template of the prompt.'),
            input_data: { description: 'Input that belongs to every execution.' },
          },
          ['instruction'],
        ),
        execution: record('How it is tried.', {
          mode: { enum: ['one-shot', 'iterative'] },
          max_iterations: { type: 'integer', minimum: 1, maximum: 255 },
          iteration_timeout: text('Duration such as 90s, 5m or 1h.'),
          llm_timeout_seconds: { type: 'integer', minimum: 1 },
          validation: { type: 'array', items: { type: 'object', required: ['type'] } },
          tool_validation: { type: 'array', items: { type: 'object' } },
        }),
        security: record('What it may reach.', {
          network: record('Hosts.', {
            mode: { enum: ['allow', 'deny', 'none'] },
            allowlist: texts('Hosts it may reach.'),
            denylist: texts('Hosts it may not reach.'),
          }),
          filesystem: record('Files.', {
            read: texts('Paths it may read.'),
            write: texts('Paths it may write.'),
            read_only: { type: 'boolean' },
          }),
          resources: record('Limits.', {
            cpu: { type: 'integer', minimum: 1, description: 'Thousandths of a processor.' },
            memory: text('Size such as 512Mi.'),
            disk: text('Size such as 1Gi.'),
            timeout: text('Duration of the whole execution.'),
          }),
        }),
        security_context: text('Name of its security context.'),
        tools: {
          type: 'array',
          items: { anyOf: [{ type: 'string' }, { type: 'object', required: ['name'] }] },
          description: 'Tools it may call.',
        },
        env: labels('Variables of its process.'),
        volumes: { type: 'array', items: { type: 'object', required: ['name', 'mount_path'] } },
        context: { type: 'array', items: { type: 'object', required: ['type'] } },
        input_schema: { type: 'object', description: 'JSON Schema of its input.' },
        output_handler: { type: 'object', description: 'What is done with its output.' },
        schedule: { type: 'object', description: 'When it runs by itself.' },
        delivery: { type: 'object', description: 'Where its output is delivered.' },
        advanced: { type: 'object', description: 'Bootstrap, warm pool and the like.' },
      },
      ['runtime', 'task'],
    ),
  },
} as const
