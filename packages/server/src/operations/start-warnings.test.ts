import { expect, it } from 'vitest'
import { startWarnings } from './start-warnings.ts'

const quiet = { baseUrl: '', trustedProxies: [], adminEmail: '', adminPassword: '' }

it.each([
  [{}, []],
  [{ baseUrl: 'http://localhost:8000' }, []],
  [{ baseUrl: 'http://127.0.0.1' }, []],
  [{ baseUrl: 'http://[::1]:8000' }, []],
  [{ baseUrl: 'http://lictor.example.com' }, [/without https/]],
  [{ baseUrl: 'https://lictor.example.com' }, [/LICTOR_TRUSTED_PROXIES is empty/]],
  [{ baseUrl: 'https://lictor.example.com', trustedProxies: ['10.0.0.1'] }, []],
  [{ adminEmail: 'a@example.com', adminPassword: 'x' }, []],
  [{ unknownNames: ['LICTOR_COLOUR'] }, [/^There is no setting LICTOR_COLOUR/]],
  [{ adminPassword: 'hidden' }, [/^LICTOR_ADMIN_PASSWORD is set without LICTOR_ADMIN_EMAIL/]],
])('%j warns of what an operator should know, and of nothing else', (settings, expected) => {
  const warnings = startWarnings({ ...quiet, ...settings })
  expect(warnings).toEqual(expected.map((pattern) => expect.stringMatching(pattern)))
  expect(warnings.join()).not.toContain('hidden')
})
