import { createHmac } from 'node:crypto'
import type { Outbound } from '../../ports/outbound.ts'
import { call, postJson } from './call.ts'
import { type ChannelConfig, type ChannelKind, textOf } from './channel.ts'
import { outcomeTextOf } from './outcome.ts'

/** Any address of the owner's: JSON, signed when there is a secret. */
export function createWebhookChannel({ outbound }: { outbound: Outbound }): ChannelKind {
  async function post(config: ChannelConfig, payload: unknown, deliveryId: string, isSigned = true): Promise<void> {
    const request = postJson(textOf(config, 'url'), payload, { 'idempotency-key': deliveryId })
    const secret = typeof config.secret === 'string' ? config.secret : ''
    const signature: Record<string, string> =
      isSigned && secret !== ''
        ? {
            'x-edictum-signature': `sha256=${createHmac('sha256', secret)
              .update(request.body ?? '')
              .digest('hex')}`,
          }
        : {}
    await call(outbound, { ...request, headers: { ...request.headers, ...signature } })
  }

  return {
    required: ['url'],
    secrets: ['secret'],
    urlKey: 'url',
    isInteractive: false,
    async requested(config, { approval, deliveryId }) {
      const { contractName } = approval
      const payload = {
        event: 'approval_requested',
        approval_id: approval.id,
        agent_id: approval.agentId,
        tool_name: approval.toolName,
        tool_args: approval.toolArgs,
        message: approval.message,
        env: approval.env,
        timeout_seconds: approval.timeoutSeconds,
        timeout_effect: approval.timeoutEffect,
        tenant_id: approval.tenantId,
        ...(contractName === null ? {} : { contract_name: contractName }),
      }
      await post(config, payload, deliveryId)
      return null
    },
    async decided(config, { approval, deliveryId }) {
      const { status, decidedBy, reason } = outcomeTextOf(approval)
      await post(
        config,
        { event: 'approval_decided', approval_id: approval.id, status, decided_by: decidedBy, reason },
        deliveryId,
      )
    },
    async expired() {
      // Receivers know the time-out from the request.
    },
    async test(config, deliveryId) {
      await post(
        config,
        { event: 'test', message: 'Edictum test notification — channel is working.' },
        deliveryId,
        false,
      )
      return 'Webhook delivered successfully.'
    },
  }
}
