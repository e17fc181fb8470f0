import { describe, expect, it } from 'vitest'
import { accepts, type Filters } from './filters.ts'

const approval = { env: 'production', agentId: 'prod-billing-1', contractName: 'no-deletes' }
const none: Filters = { environments: null, agent_patterns: null, contract_names: null }

describe('routing filters', () => {
  it.each<[Partial<Filters> | null, boolean]>([
    [null, true],
    [{}, true],
    [{ environments: [] }, true],
    [{ environments: ['production'] }, true],
    [{ environments: ['prod*'] }, false],
    [{ agent_patterns: ['prod-*'] }, true],
    [{ agent_patterns: ['*-billing-?'] }, true],
    [{ agent_patterns: ['prod-[!a]*'] }, true],
    [{ agent_patterns: ['PROD-*'] }, false],
    [{ contract_names: ['no-*'] }, true],
    [{ contract_names: ['only-*'] }, false],
    [{ environments: ['production'], agent_patterns: ['x'] }, false],
    [{ environments: ['staging'], agent_patterns: ['prod-*'] }, false],
  ])('%j: %j', (filters, accepted) => {
    expect(accepts(filters && { ...none, ...filters }, approval)).toBe(accepted)
  })

  it('an approval without contract skips the contract names', () => {
    const filters = { ...none, contract_names: ['only-*'] }
    expect(accepts(filters, { ...approval, contractName: null })).toBe(true)
    expect(accepts({ ...filters, environments: ['staging'] }, { ...approval, contractName: null })).toBe(false)
  })
})
