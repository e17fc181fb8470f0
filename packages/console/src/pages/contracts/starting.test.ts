import { createEnvelope, decidePre, loadBundle, loadPolicy } from '@lictor/contracts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bundleOf } from './starting.ts'

const NO_CALLS = { attempts: 0, executions: 0, toolExecutions: 0 }

test('a contract made of a call loads, and concerns that call', () => {
  const value = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.array(fc.string()))
  const name = fc.oneof(fc.stringMatching(/^[a-z_][a-z0-9_]{0,8}$/), fc.string())
  const tool = fc.oneof(
    fc.stringMatching(/^[A-Za-z][A-Za-z0-9_.-]{0,20}$/),
    fc.constantFrom('Bash', 'true', '1', 'yes'),
  )
  fc.assert(
    fc.property(tool, fc.dictionary(name, value, { maxKeys: 4, noNullPrototype: true }), (toolName, args) => {
      const text = bundleOf({ tool: toolName, args, verdict: null })
      expect(loadBundle(text).document.contracts).toHaveLength(1)
      const policy = loadPolicy(text.replace('mode: observe', 'mode: enforce'))
      const isTold = Object.entries(args).some(([key, one]) => /^[A-Za-z_]\w*$/.test(key) && one !== null)
      if (toolName === 'Bash' || !isTold) return
      const { action } = decidePre(policy, createEnvelope(toolName, args, { environment: 'production' }), NO_CALLS)
      expect(action).toBe('deny')
    }),
  )
})
