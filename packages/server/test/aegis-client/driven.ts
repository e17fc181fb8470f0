import { AegisClient, type AegisClientOptions } from '@lictor/aegis'
import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type Start, type TestOptions, type TestServer } from '../harness.ts'

type Method = {
  [Key in keyof AegisClient]: AegisClient[Key] extends (...args: never[]) => unknown ? Key : never
}[keyof AegisClient]

/** The methods of `AegisClient`, by the file of this folder that drives them. */
export const groups = {
  agents: [
    'deployAgent',
    'listAgents',
    'getAgent',
    'lookupAgent',
    'updateAgent',
    'deleteAgent',
    'listAgentVersions',
    'updateAgentScope',
    'streamAgentEvents',
  ],
  workflows: [
    'registerWorkflow',
    'registerTemporalWorkflow',
    'validateWorkflow',
    'listWorkflows',
    'getWorkflow',
    'getWorkflowYaml',
    'deleteWorkflow',
    'listWorkflowVersions',
    'updateWorkflowScope',
  ],
  'workflow-executions': [
    'runWorkflow',
    'executeTemporalWorkflow',
    'listWorkflowExecutions',
    'getWorkflowExecution',
    'removeWorkflowExecution',
    'signalWorkflowExecution',
    'cancelWorkflowExecution',
    'getWorkflowExecutionLogs',
    'streamWorkflowExecutionLogs',
  ],
  stimuli: [
    'listStimuli',
    'getStimulus',
    'ingestStimulus',
    'sendWebhook',
    'putStimulusSource',
    'listStimulusSources',
    'deleteStimulusSource',
  ],
  schedules: ['putSchedule', 'listSchedules', 'getSchedule', 'deleteSchedule'],
  executions: [
    'startExecution',
    'executeAgent',
    'streamExecution',
    'getExecution',
    'listExecutions',
    'cancelExecution',
    'deleteExecution',
    'getExecutionFile',
  ],
  tenants: [
    'createTenant',
    'listTenants',
    'getTenant',
    'suspendTenant',
    'resumeTenant',
    'deleteTenant',
    'setTenantQuotas',
    'inviteToTenant',
    'listMembers',
    'inviteMember',
    'removeMember',
    'updateRole',
    'acceptInvitation',
    'getSubscription',
    'getSamlConfig',
    'setSamlConfig',
  ],
  tools: ['listTools', 'getTool', 'listToolServers'],
  approvals: ['listPendingApprovals', 'getPendingApproval', 'approveRequest', 'rejectRequest'],
  volumes: [
    'createVolume',
    'listVolumes',
    'getVolume',
    'renameVolume',
    'deleteVolume',
    'getVolumeQuota',
    'getQuota',
    'listFiles',
    'downloadFile',
    'streamFile',
    'uploadFile',
    'attachToVolume',
    'mkdir',
    'movePath',
    'deletePath',
    'listStorageViolations',
  ],
  credentials: [
    'listCredentials',
    'getCredential',
    'storeApiKey',
    'revokeCredential',
    'rotateCredential',
    'listGrants',
    'addGrant',
    'revokeGrant',
  ],
  oauth: [
    'oauthInitiate',
    'oauthCallback',
    'deviceInitiate',
    'devicePoll',
    'putOAuthProvider',
    'listOAuthProviders',
    'deleteOAuthProvider',
  ],
  secrets: ['listSecrets', 'getSecret', 'writeSecret', 'deleteSecret', 'destroySecretVersion', 'listSecretVersions'],
  'api-keys': ['listApiKeys', 'createApiKey', 'revokeApiKey'],
  seal: [
    'attestSeal',
    'invokeSeal',
    'listSealTools',
    'registerSealWorkload',
    'listSealWorkloads',
    'revokeSealWorkload',
    'listSealSessions',
    'revokeSealSession',
    'listSecurityContexts',
    'getSecurityContext',
    'saveSecurityContext',
    'deleteSecurityContext',
  ],
  limits: [
    'listRateLimitOverrides',
    'createRateLimitOverride',
    'deleteRateLimitOverride',
    'getRateLimitUsage',
    'getUserRateLimitUsage',
  ],
  billing: ['listPrices', 'createCheckoutSession', 'createPortalSession', 'getSubscriptionBilling', 'getInvoices'],
  cluster: [
    'getClusterStatus',
    'getClusterNodes',
    'drainNode',
    'activateNode',
    'removeNode',
    'getDashboardSummary',
    'listSecurityIncidents',
  ],
  swarms: ['listSwarms', 'getSwarm'],
  cortex: ['listCortexPatterns', 'getCortexSkills', 'getCortexMetrics'],
  dispatch: ['dispatchGateway'],
  client: ['healthLive', 'healthReady', 'withOptions', 'aclose'],
} as const satisfies Record<string, readonly Method[]>

export interface Driven {
  readonly t: TestServer
  /** With client credentials, as programs are given them. */
  readonly client: AegisClient
  readonly baseUrl: string
  /** Another client of this server; what it calls counts as well. */
  connect(options: Partial<AegisClientOptions>): AegisClient
  /** A client of another service account, of the administrator's tenant or of another one. */
  account(fields?: { role?: string; scopes?: string[] }, owner?: Record<string, string>): Promise<AegisClient>
}

export type Open = (options?: TestOptions) => Promise<Driven>

/** A suite on each database, with a last test that fails when a method of the group was never answered. */
export function driveGroup(group: keyof typeof groups, suite: (open: Open, start: Start) => void): void {
  onEachDatabase(`${group} by AegisClient`, (start) => {
    const answered = new Set<string>()
    let t: TestServer | undefined
    const clients: AegisClient[] = []
    afterEach(async () => {
      await Promise.all(clients.splice(0).map((client) => client.aclose()))
      await t?.close()
      t = undefined
    })

    async function open(options?: TestOptions): Promise<Driven> {
      const opened = await start(options)
      t = opened
      const baseUrl = await opened.listen()
      const connect = (more: Partial<AegisClientOptions>) => {
        const client = new AegisClient({ baseUrl, ...more })
        clients.push(client)
        return watched(client, answered)
      }
      async function account(fields: object = {}, owner?: Record<string, string>) {
        const created = await opened.request({
          method: 'POST',
          url: '/api/v1/service-accounts',
          headers: owner ?? (await opened.admin()),
          payload: { name: 'program', ...fields },
        })
        if (created.statusCode !== 201) throw new Error(created.body)
        const { client_id: clientId, client_secret: clientSecret } = created.json<Record<string, string>>()
        return connect({ clientId: clientId ?? '', clientSecret: clientSecret ?? '' })
      }
      return { t: opened, client: await account(), baseUrl, connect, account }
    }

    suite(open, start)

    it('every method of the group was driven to an answer', () => {
      expect(groups[group].filter((method) => !answered.has(method))).toEqual([])
    })
  })
}

/** The client itself, noting which of its methods came to a good end. */
function watched(client: AegisClient, answered: Set<string>): AegisClient {
  return new Proxy(client, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function' || typeof name !== 'string') return member
      return (...args: unknown[]) => note(member.apply(target, args), () => answered.add(name))
    },
  })
}

function note(result: unknown, isAnswered: () => void): unknown {
  if (result instanceof Promise)
    return result.then((value: unknown) => {
      isAnswered()
      return value
    })
  if (typeof result === 'object' && result !== null && Symbol.asyncIterator in result)
    return followed(result as AsyncIterable<unknown>, isAnswered)
  isAnswered()
  return result
}

async function* followed(events: AsyncIterable<unknown>, isAnswered: () => void): AsyncGenerator<unknown> {
  for await (const event of events) {
    isAnswered()
    yield event
  }
}
