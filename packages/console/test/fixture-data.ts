import type { AgentConnection, Approval, AuditEvent } from '../src/api/types.ts'
import { EXAMPLE_BUNDLE } from '../src/pages/contracts/example.ts'
import type { World } from './fixture-server.ts'

const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000).toISOString()
const HASHES = ['3f2a9c0d1e4b57aa', '9be04417c2d8f0e6', 'c51d7be2209f43aa'].map((start) => start.padEnd(64, '0'))
const TENANT = '00000000-0000-4000-8000-000000000001'

/** An empty server, right after its first start. */
export const emptyWorld = (): World => ({
  bootstrapped: false,
  signedIn: false,
  keys: [],
  versions: [],
  deployments: [],
  approvals: [],
  events: [],
  agents: [],
  requests: [],
})

/** A small fleet on an ordinary day. */
export function seed(): World {
  return {
    bootstrapped: true,
    signedIn: true,
    keys: [
      {
        id: 'k1',
        prefix: 'edk_production_0Hc9aQ2x',
        env: 'production',
        label: 'support fleet',
        created_at: ago(86_400 * 12),
        client: 'contracts',
        signature: null,
      },
      {
        id: 'k2',
        prefix: 'edk_staging_Zt41mmPa',
        env: 'staging',
        label: 'ci',
        created_at: ago(86_400 * 3),
        client: 'contracts',
        signature: null,
      },
      {
        id: 'k3',
        prefix: 'edk_development_9dLqs0Xe',
        env: 'development',
        label: 'laptop of Ada',
        created_at: ago(7_200),
        client: 'contracts',
        signature: null,
      },
    ],
    versions: [1, 2, 3].map((version) => ({
      id: `b${version}`,
      tenant_id: TENANT,
      name: 'devops-agent',
      version,
      revision_hash: HASHES[version - 1] ?? '',
      signature_hex: version < 3 ? 'ab'.repeat(64) : null,
      source_hub_slug: null,
      source_hub_revision: null,
      uploaded_by: 'ops@example.com',
      created_at: ago(86_400 * (4 - version)),
      deployed_envs: version === 2 ? ['production'] : version === 3 ? ['staging'] : [],
      yaml: EXAMPLE_BUNDLE.replace('my-contracts', 'devops-agent').replace(
        'max_tool_calls: 50',
        `max_tool_calls: ${20 * version}`,
      ),
    })),
    deployments: [
      {
        id: 'd3',
        env: 'staging',
        bundle_name: 'devops-agent',
        bundle_version: 3,
        deployed_by: 'ops@example.com',
        created_at: ago(5_400),
        rollout: null,
      },
      {
        id: 'd2',
        env: 'production',
        bundle_name: 'devops-agent',
        bundle_version: 2,
        deployed_by: 'ada@example.com',
        created_at: ago(90_000),
        rollout: null,
      },
      {
        id: 'd1',
        env: 'production',
        bundle_name: 'devops-agent',
        bundle_version: 1,
        deployed_by: 'ops@example.com',
        created_at: ago(180_000),
        rollout: null,
      },
    ],
    approvals: [
      approval(
        'a1',
        'delete_user',
        'support-bot',
        { user_id: 'u_48210', reason: 'GDPR erasure request #9921' },
        'Deleting a user in production needs a person.',
        300,
        262,
      ),
      approval(
        'a2',
        'transfer_funds',
        'billing-agent',
        { from: 'ops-reserve', to: 'acct_77120', amount: 12_500, currency: 'EUR', memo: 'refund batch 2026-11' },
        'Transfers above 10,000 need a person.',
        900,
        420,
      ),
      approval(
        'a3',
        'run_migration',
        'devops-agent',
        { database: 'orders', sql: "ALTER TABLE orders ADD COLUMN region text NOT NULL DEFAULT 'eu'", dry_run: false },
        'Schema changes in production need a person.',
        3_600,
        65,
      ),
      {
        ...approval(
          'a4',
          'send_email',
          'support-bot',
          null,
          'Mail to more than 100 people needs a person.',
          300,
          4_000,
        ),
        status: 'denied',
        decided_by: 'ada@example.com',
        decided_at: ago(3_960),
        decision_reason: 'Wrong list',
        decided_via: 'slack',
      },
      {
        ...approval(
          'a5',
          'delete_user',
          'support-bot',
          { user_id: 'u_1' },
          'Deleting a user in production needs a person.',
          300,
          9_000,
        ),
        status: 'approved',
        decided_by: 'ops@example.com',
        decided_at: ago(8_990),
        decided_via: 'console',
      },
    ],
    events: Array.from({ length: 640 }, (_, index) => event(index)),
    agents: [
      agent('support-bot', 'production', 1, 'current', 7_300),
      agent('billing-agent', 'production', 0, 'drift', 190_000),
      agent('devops-agent', 'staging', 2, 'current', 640),
      { ...agent('research-bot', 'development', 0, 'unknown', 33), policy_version: null, bundle_name: null },
    ],
    requests: [],
  }
}

function approval(
  id: string,
  tool: string,
  agentId: string,
  args: Approval['tool_args'],
  message: string,
  timeout: number,
  age: number,
): Approval {
  return {
    id,
    status: 'pending',
    session_id: null,
    agent_id: agentId,
    tool_name: tool,
    tool_args: args,
    message,
    env: 'production',
    timeout_seconds: timeout,
    timeout_effect: 'deny',
    decision_source: 'yaml_precondition',
    contract_name: `ask-before-${tool.replace('_', '-')}`,
    decided_by: null,
    decided_at: null,
    decision_reason: null,
    decided_via: null,
    created_at: ago(age),
    action_digest: null,
    receipt: null,
    consumed_at: null,
    asker: 'attached',
    asker_seen_at: null,
    tool_args_shortened: false,
  }
}

const agent = (
  id: string,
  env: string,
  hash: number,
  status: AgentConnection['status'],
  age: number,
): AgentConnection => ({
  agent_id: id,
  env,
  bundle_name: 'devops-agent',
  policy_version: HASHES[hash] ?? null,
  status,
  connected_at: ago(age),
})

const TOOLS = ['read_file', 'search_web', 'run_query', 'send_email', 'delete_user', 'exec']
const VERDICTS = [
  'call_allowed',
  'call_executed',
  'call_allowed',
  'call_executed',
  'call_denied',
  'call_would_deny',
  'call_executed',
  'call_approval_requested',
  'call_allowed',
]
const AGENTS = ['support-bot', 'billing-agent', 'devops-agent']

/** The `index`-th newest event; later ones are older, with quiet hours in between. */
export function event(index: number): AuditEvent {
  const tool = TOOLS[(index * 7) % TOOLS.length] ?? 'exec'
  const verdict = VERDICTS[(index * 5) % VERDICTS.length] ?? 'call_allowed'
  const decided = /denied|would|approval/.test(verdict)
  const at = ago(index * 90 + ((index * 37) % 60) + (index > 200 ? 14_400 : 0))
  return {
    id: `e${String(index).padStart(5, '0')}`,
    seq: 0,
    payload_bytes: 300,
    payload_shortened: false,
    call_id: `call-${index}`,
    agent_id: AGENTS[(index * 3 + (index % 4)) % AGENTS.length] ?? 'support-bot',
    tool_name: tool,
    verdict,
    mode: verdict === 'call_would_deny' ? 'observe' : 'enforce',
    timestamp: at,
    created_at: at,
    payload: {
      tool_args: { path: index % 2 ? 'data.csv' : '.env', limit: 10 },
      side_effect: 'read',
      environment: 'production',
      principal: null,
      decision_source: decided ? 'yaml_precondition' : null,
      decision_name: decided ? 'no-secrets' : null,
      reason: decided ? '.env holds secrets and may not be read.' : null,
      policy_version: HASHES[1] ?? '',
      bundle_name: 'devops-agent',
    },
  }
}
