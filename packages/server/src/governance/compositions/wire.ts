import Type from 'typebox'
import { CreatedBy, Id, Instant, Maybe, Nullable, TenantId } from '../../http/schemas.ts'
import { toWireTime } from '../../storage/instants.ts'
import { LONGEST_CONTRACT_ID } from '../contracts/decompose.ts'
import { ContractId, contractId } from '../fields.ts'
import type { CompositionView, ItemInput } from './compositions.ts'
import type { ComposedDeployment } from './redeploy.ts'
import type { Composition } from './store.ts'

export const tags = { tags: ['compositions'] }
export const access = { access: 'dashboard', scope: 'tenant' } as const
export const MOST_ITEMS = 100
const LARGEST_INTEGER = 2_147_483_647

export const Mode = Type.Enum(['enforce', 'observe'])
export const Strategy = Type.Enum(['manual', 'auto_deploy', 'observe_first'], {
  description:
    'What a new version of a contract does: nothing; it is deployed where the composition is deployed; it is deployed there in observe mode beside the version in force, until it is promoted.',
})
export const Settings = Type.Record(Type.String(), Type.Unknown())
export const Description = Type.String({ maxLength: 2000 })
export const ByName = Type.Object({ name: Type.String({ maxLength: 1024 }) })

export const ItemBody = Type.Object({
  contract_id: contractId({ maxLength: LONGEST_CONTRACT_ID }),
  position: Type.Integer({ minimum: -LARGEST_INTEGER, maximum: LARGEST_INTEGER }),
  mode_override: Maybe(Mode),
  enabled: Type.Optional(Type.Boolean({ default: true })),
})
export const ItemBodies = Type.Array(ItemBody, { maxItems: MOST_ITEMS })

export const Summary = {
  name: Type.String(),
  description: Nullable(Type.String()),
  defaults_mode: Type.String(),
  update_strategy: Type.String(),
  contract_count: Type.Integer({ description: 'All items, enabled or not.' }),
  updated_at: Instant,
  created_by: CreatedBy,
}

export const Detail = {
  ...Summary,
  id: Id,
  tenant_id: TenantId,
  contracts: Type.Array(
    Type.Object({
      contract_id: ContractId,
      contract_name: Type.String(),
      contract_type: Type.String(),
      contract_version: Type.Integer({ description: 'The version that is pinned.' }),
      position: Type.Integer(),
      mode_override: Nullable(Type.String()),
      enabled: Type.Boolean(),
      has_newer_version: Type.Boolean(),
      observed_version: Nullable(
        Type.Integer({ description: 'Only observed beside the pinned version until it is promoted.' }),
      ),
    }),
  ),
  tools_config: Nullable(Settings),
  observability: Nullable(Settings),
}

export const Assembled = Type.Array(
  Type.Object({
    contract_id: ContractId,
    version: Type.Integer(),
    mode: Type.String(),
    observe: Type.Boolean({ description: 'A newer version, only observed beside the one in force.' }),
  }),
  { description: 'As kept with the bundle; later changes of the composition do not change it.' },
)

export const wireSummary = (composition: Composition, contractCount: number) => ({
  name: composition.name,
  description: composition.description,
  defaults_mode: composition.defaultsMode,
  update_strategy: composition.updateStrategy,
  contract_count: contractCount,
  updated_at: toWireTime(composition.updatedAt),
  created_by: composition.createdBy,
})

export const wireDetail = ({ composition, items }: CompositionView) => ({
  ...wireSummary(composition, items.length),
  id: composition.id,
  tenant_id: composition.tenantId,
  contracts: items.map((item) => ({
    contract_id: item.contractId,
    contract_name: item.name,
    contract_type: item.type,
    contract_version: item.pinnedVersion,
    position: item.position,
    mode_override: item.modeOverride,
    enabled: item.enabled,
    has_newer_version: item.latestVersion > item.pinnedVersion,
    observed_version: item.observedVersion,
  })),
  tools_config: composition.toolsConfig,
  observability: composition.observability,
})

export const wireAssembled = (deployed: ComposedDeployment) => deployed.contracts.map((contract) => ({ ...contract }))

export const itemOf = (item: Type.Static<typeof ItemBody>): ItemInput => ({
  contractId: item.contract_id,
  position: item.position,
  modeOverride: item.mode_override ?? null,
  enabled: item.enabled ?? true,
})
