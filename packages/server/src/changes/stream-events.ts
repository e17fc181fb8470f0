import Type, { type TObject } from 'typebox'

const Text = Type.String()
const Name = Type.Union([Type.String(), Type.Null()])
const Version = Type.Integer({ minimum: 1 })

/** A kind of event on the live streams. */
interface StreamEvent {
  readonly description: string
  /** Which agents receive it; null: none, it is for consoles. */
  readonly agents: string | null
  /** Whether the tenant's consoles receive it. */
  readonly dashboards: boolean
  /** The payload; `type` is added on the wire. */
  readonly data: TObject
}

const approval = { approval_id: Text }

/** Everything that live streams tell, by its `event:` name: the one list that the streams and the API reference are made from. */
export const streamEvents = {
  contract_update: {
    description: 'A version was put into force.',
    agents: 'Those of the environment that run the bundle, and those that follow every bundle.',
    dashboards: true,
    data: Type.Object({
      bundle_name: Text,
      version: Version,
      revision_hash: Text,
      signature: Name,
      public_key: Name,
      yaml_bytes: Type.String({ description: 'Base64 of the exact bytes that were signed.' }),
    }),
  },
  ruleset_update: {
    description:
      'A version was put into force, as agents that read only rulesets are given it; on the wire it is a `contract_update`.',
    agents: 'Those that read only rulesets, of the environment, that run the bundle or follow every bundle.',
    dashboards: false,
    data: Type.Object({
      bundle_name: Text,
      version: Version,
      revision_hash: Type.Optional(Text),
      signature: Type.Optional(Name),
      public_key: Type.Optional(Name),
      yaml_bytes: Type.Optional(Type.String({ description: 'Base64 of the exact bytes that were signed.' })),
      _assignment_changed: Type.Optional(
        Type.Literal(true, { description: 'The document is too large for a stream: fetch it by its name.' }),
      ),
    }),
  },
  ruleset_updated: {
    description: 'A bundle has another version in force.',
    agents: 'All of the environment that read only rulesets.',
    dashboards: false,
    data: Type.Object({ name: Text, version: Version }),
  },
  gates_update: {
    description:
      'Gates stand before the agents of a bundle from now on, or none: `gates_name` and `version` are null then.',
    agents: 'Those of the environment that read contracts, that run the bundle or follow every bundle.',
    dashboards: true,
    data: Type.Object({ bundle_name: Text, gates_name: Name, version: Type.Union([Version, Type.Null()]) }),
  },
  assignment_changed: {
    description: 'An agent, or all that a rule matches, may run another bundle.',
    agents: 'The agent itself, in each environment where it now runs something else.',
    dashboards: true,
    data: Type.Object({
      agent_id: Type.Optional(Type.String({ description: '`__bulk__` where many were assigned at once.' })),
      bundle_name: Type.Optional(Name),
      source: Type.Optional(Text),
      rule_id: Type.Optional(Text),
      action: Type.Optional(Type.Enum(['created', 'updated', 'deleted'])),
    }),
  },
  approval_created: {
    description: 'A call waits for a human.',
    agents: "Those of the approval's environment.",
    dashboards: true,
    data: Type.Object({ ...approval, agent_id: Text, tool_name: Text, message: Text }),
  },
  approval_decided: {
    description: 'An approval was settled by somebody.',
    agents: "Those of the approval's environment.",
    dashboards: true,
    data: Type.Object({ ...approval, status: Text, decided_by: Name }),
  },
  approval_timeout: {
    description: 'Nobody decided an approval in time.',
    agents: "Those of the approval's environment.",
    dashboards: true,
    data: Type.Object({ ...approval, agent_id: Text, tool_name: Text }),
  },
  bundle_uploaded: {
    description: 'There is a new version of a bundle.',
    agents: null,
    dashboards: true,
    data: Type.Object({ bundle_name: Text, version: Version, revision_hash: Text, uploaded_by: Text }),
  },
  bundle_deployed: {
    description: 'Who put which version into force where.',
    agents: null,
    dashboards: true,
    data: Type.Object({ bundle_name: Text, version: Version, env: Text, deployed_by: Text }),
  },
  composition_changed: {
    description: 'A composition was made, changed, deployed or deleted.',
    agents: null,
    dashboards: true,
    data: Type.Object({ composition_name: Text, bundle_version: Type.Optional(Version) }),
  },
  contract_created: {
    description: 'A contract came into the library.',
    agents: null,
    dashboards: true,
    data: Type.Object({ contract_id: Text, version: Type.Optional(Version) }),
  },
  contract_updated: {
    description: 'A contract of the library has a further version.',
    agents: null,
    dashboards: true,
    data: Type.Object({ contract_id: Text, version: Type.Optional(Version) }),
  },
  event_created: {
    description: 'Audit events arrived.',
    agents: null,
    dashboards: true,
    data: Type.Object({ accepted: Type.Integer({ minimum: 1, description: 'How many.' }) }),
  },
  api_key_created: {
    description: 'An API key was made.',
    agents: null,
    dashboards: true,
    data: Type.Object({ key_id: Text, env: Type.Optional(Text), label: Type.Optional(Name) }),
  },
  api_key_revoked: {
    description: 'An API key was revoked; streams that were opened with it end.',
    agents: null,
    dashboards: true,
    data: Type.Object({ key_id: Text }),
  },
  signing_key_rotated: {
    description: 'The tenant signs with another key.',
    agents: null,
    dashboards: true,
    data: Type.Object({ public_key: Text }),
  },
} as const satisfies Record<string, StreamEvent>

export type StreamEventType = keyof typeof streamEvents
