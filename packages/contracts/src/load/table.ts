// biome-ignore-all lint/suspicious/noThenProperty: 'then' is a field of the language, and a keyword of JSON Schema
import { DEFAULT_TIMEOUT, MAX_LABEL, MAX_MESSAGE, MAX_SERVER_NAME, MAX_SERVER_TIMEOUT } from '../bounds.ts'
import { type Dependence, list, type ObjectShape, optional, required, type Shape, text } from './shape.ts'

/** The bundle document, field by field. The only place these rules are written. */

const NON_EMPTY = text({ min: 1 })
const MODE = text({ choices: ['enforce', 'observe'], doc: 'enforce: decisions bind. observe: they are only recorded.' })
const MESSAGE = text({
  min: 1,
  max: MAX_MESSAGE,
  doc: 'Shown to the agent. {args.path} and other selectors in braces are filled in.',
})
const TOOL = text({ min: 1, carried: MAX_SERVER_NAME, doc: 'Tool name, or a glob such as mcp_*.' })
/** A name of the counter that the session keeps for it: what a tool name cannot hold, and what a glob is made of, are out. */
const EXACT_TOOL = text({
  min: 1,
  pattern: /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029/\\*?[\]]+$/,
  rule: 'the exact name of a tool',
  carried: MAX_SERVER_NAME,
  doc: 'Exact tool name.',
})
const LABEL = text({
  min: 1,
  max: MAX_LABEL,
  pattern: /^[a-z0-9][a-z0-9_-]*$/,
  rule: 'small letters, digits, - and _, beginning with a letter or digit',
  doc: 'A word that a session bears from then on.',
})
const TIMEOUT: Shape = {
  type: 'integer',
  min: 1,
  carried: MAX_SERVER_TIMEOUT,
  doc: `Seconds to wait for a human; ${DEFAULT_TIMEOUT} if left out.`,
}
const TIMEOUT_EFFECT = text({
  choices: ['deny', 'allow'],
  later: { deny: 'block' },
  doc: 'What happens when no human answers in time.',
})
const TIMEOUT_WORDS = ['timeout_effect', 'timeout_action']
const count = (doc: string): Shape => ({ type: 'integer', min: 1, doc })

export const EFFECT_WORDS: Readonly<Record<string, string>> = { deny: 'block', approve: 'ask' }

const EFFECT_DOCS: Readonly<Record<string, string>> = {
  deny: 'refuses',
  approve: 'asks a person',
  warn: 'lets it pass and says so',
  redact: 'hides what was found',
  label: 'marks the session',
}
const effectDoc = (choices: readonly string[]) =>
  `${choices.map((choice) => `${choice} ${EFFECT_DOCS[choice]}`).join(', ')}.`

function then(choices: readonly string[], more: ObjectShape['fields'] = {}, depends?: Dependence): ObjectShape {
  const isAlwaysThere = depends?.otherwiseRequires?.includes('message') !== true
  return {
    type: 'object',
    doc: 'What happens when the contract fires.',
    ...(depends === undefined ? {} : { depends }),
    fields: {
      effect: required(text({ choices, later: EFFECT_WORDS, doc: effectDoc(choices) }), ['action']),
      message: isAlwaysThere ? required(MESSAGE) : optional(MESSAGE),
      tags: optional(list(NON_EMPTY, 0, 'Words to find its decisions by.')),
      metadata: optional({
        type: 'map',
        values: { type: 'any' },
        doc: 'Kept with each decision.',
      }),
      ...more,
    },
  }
}

const COMMON: ObjectShape['fields'] = {
  id: required(
    text({
      pattern: /^[a-z0-9][a-z0-9_-]*$/,
      rule: 'small letters, digits, - and _, beginning with a letter or digit',
      carried: MAX_SERVER_NAME,
      doc: 'Unique in the bundle.',
    }),
  ),
  type: required(
    text({
      choices: ['pre', 'post', 'session', 'sandbox'],
      doc: 'pre: before a call. post: what it returned. session: how much. sandbox: within bounds.',
    }),
  ),
  enabled: optional({ type: 'boolean', doc: 'false: checked but not in force.' }),
  mode: optional(MODE),
}

export const CONTRACTS: Readonly<Record<string, ObjectShape>> = {
  pre: {
    type: 'object',
    doc: 'Decides before a tool is called.',
    depends: { on: ['after'], otherwiseRequires: ['when'] },
    fields: {
      ...COMMON,
      tool: required(TOOL),
      when: optional({ type: 'expression' }),
      after: optional({
        type: 'object',
        doc: 'Only in a session that bears one of these labels, or in which one of these tools has run.',
        someOf: ['labels', 'tools'],
        fields: {
          labels: optional(list(LABEL, 1, 'Labels that post contracts put.')),
          tools: optional(list(EXACT_TOOL, 1, 'Exact names of tools.')),
        },
      }),
      then: required(
        then(['deny', 'approve'], {
          timeout: optional(TIMEOUT),
          timeout_effect: optional(TIMEOUT_EFFECT, TIMEOUT_WORDS),
        }),
      ),
    },
  },
  post: {
    type: 'object',
    doc: 'Judges what a tool returned.',
    // A label may be put whatever the tool returned.
    depends: { on: ['then', 'effect'], is: 'label', otherwiseRequires: ['when'] },
    fields: {
      ...COMMON,
      tool: required(TOOL),
      when: optional({ type: 'expression' }),
      then: required(
        then(
          ['warn', 'redact', 'deny', 'label'],
          { label: optional(LABEL) },
          {
            on: ['effect'],
            is: 'label',
            requires: ['label'],
            otherwiseRequires: ['message'],
            otherwiseRefuses: ['label'],
          },
        ),
      ),
    },
  },
  session: {
    type: 'object',
    doc: 'Limits how much an agent may do in one session.',
    fields: {
      ...COMMON,
      limits: required({
        type: 'object',
        doc: 'The contract fires beyond these.',
        someOf: ['max_tool_calls', 'max_attempts', 'max_calls_per_tool'],
        fields: {
          max_tool_calls: optional(count('Calls that ran.')),
          max_attempts: optional(count('Calls tried, refused ones too.')),
          max_calls_per_tool: optional({
            type: 'map',
            values: count('Calls of this tool that ran.'),
            min: 1,
            doc: 'By exact tool name.',
          }),
        },
      }),
      then: required(then(['deny'])),
    },
  },
  sandbox: {
    type: 'object',
    doc: 'Keeps tools within paths, commands and domains.',
    oneOf: ['tool', 'tools'],
    someOf: ['within', 'allows'],
    fields: {
      ...COMMON,
      tool: optional(TOOL),
      tools: optional(list(TOOL, 1, 'Tool names, or globs; instead of tool.')),
      within: optional(list(NON_EMPTY, 1, 'Directories that paths must lie in.')),
      not_within: optional(list(NON_EMPTY, 0, 'Directories in them that are closed all the same.')),
      allows: optional({
        type: 'object',
        doc: 'Programs and hosts that a call may reach.',
        fields: {
          commands: optional(list(NON_EMPTY, 1, 'Programs that may run.')),
          domains: optional(list(NON_EMPTY, 1, 'Hosts, or globs such as *.example.com.')),
        },
      }),
      not_allows: optional({
        type: 'object',
        doc: 'Hosts that are closed all the same.',
        fields: { domains: optional(list(NON_EMPTY, 1, 'Hosts, or globs.')) },
      }),
      outside: optional(
        text({
          choices: ['deny', 'approve'],
          later: EFFECT_WORDS,
          doc: 'Beyond the bounds; deny if left out.',
        }),
      ),
      message: required(MESSAGE),
      timeout: optional(TIMEOUT),
      timeout_effect: optional(TIMEOUT_EFFECT, TIMEOUT_WORDS),
    },
  },
}

const TOOLS: Shape = {
  type: 'map',
  doc: 'What each tool does to the world, by exact tool name.',
  values: {
    type: 'object',
    fields: {
      side_effect: required(
        text({
          choices: ['pure', 'read', 'write', 'irreversible'],
          doc: 'What a call leaves behind.',
        }),
      ),
      idempotent: optional({ type: 'boolean', doc: 'true: made twice, it does no more than once.' }),
    },
  },
}

const OBSERVABILITY: Shape = {
  type: 'object',
  doc: 'Where a guard writes what it decided.',
  fields: {
    otel: optional({
      type: 'object',
      fields: {
        enabled: optional({ type: 'boolean' }),
        endpoint: optional(text()),
        protocol: optional(text({ choices: ['grpc', 'http'] })),
        service_name: optional(text()),
        insecure: optional({ type: 'boolean' }),
        resource_attributes: optional({ type: 'map', values: text() }),
      },
    }),
    stdout: optional({ type: 'boolean' }),
    file: optional(text({ nullable: true, doc: 'Audit file, one JSON object a line.' })),
  },
}

export const KINDS = ['ContractBundle', 'Ruleset'] as const

export const BUNDLE: ObjectShape = {
  type: 'object',
  fields: {
    apiVersion: required(text({ choices: ['edictum/v1'], doc: 'The version of the language.' })),
    kind: required(text({ choices: KINDS, doc: 'Which vocabulary it is written in.' })),
    metadata: required({
      type: 'object',
      doc: 'What the bundle is called.',
      fields: {
        name: required(
          text({
            min: 1,
            pattern: /^[a-z0-9][a-z0-9._-]*$/,
            rule: "small letters, digits, '.', - and _, beginning with a letter or digit",
            carried: MAX_SERVER_NAME,
            doc: 'It is deployed and assigned by this name.',
          }),
        ),
        description: optional(text({ doc: 'What it is for, for people.' })),
      },
    }),
    defaults: required({
      type: 'object',
      doc: 'For contracts that say nothing else.',
      fields: { mode: required(MODE) },
    }),
    contracts: required(list({ type: 'contract' }, 1, 'Each with an id and a type.'), ['rules']),
    tools: optional(TOOLS),
    observability: optional(OBSERVABILITY),
    observe_alongside: optional({ type: 'boolean', doc: 'As a later layer of a composition: only observe.' }),
  },
}
