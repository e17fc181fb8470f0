import { expect, test } from 'vitest'
import { EdictumConfigError } from '../errors.ts'
import { isInRange, requireFramework } from './framework-version.ts'

test('a caret lets everything but the first number grow, an x the last, and a pre-release counts as its release', () => {
  for (const [version, range] of [
    ['7.0.173', '^7'],
    ['1.3.4', '^1.3.4'],
    ['1.4.0', '^1.3.4'],
    ['0.20.9', '0.20.x'],
    ['6.1.0', '^6 || ^7'],
    ['2.0.0-beta.1', '^2'],
  ] as const)
    expect(isInRange(version, range), `${version} in ${range}`).toBe(true)
  for (const [version, range] of [
    ['8.0.0', '^7'],
    ['1.3.3', '^1.3.4'],
    ['1.2.9', '^1.3.4'],
    ['2.3.4', '^1.3.4'],
    ['0.21.0', '0.20.x'],
    ['5.9.9', '^6 || ^7'],
    ['next', '^7'],
  ] as const)
    expect(isInRange(version, range), `${version} in ${range}`).toBe(false)
})

test('another version than the proven ones is refused before a tool is wrapped, naming package, version and range', () => {
  const framework = { name: 'ai', range: '^7' }
  expect(() => requireFramework(framework, () => '5.0.2')).toThrow(EdictumConfigError)
  expect(() => requireFramework(framework, () => '5.0.2')).toThrow(/^ai 5\.0\.2 is installed; .* proven with \^7\./)
  requireFramework(framework, () => '7.3.0')
  requireFramework(framework, () => null)
})

test('the version is read from where the package is installed; what is not installed has none', () => {
  expect(() => requireFramework({ name: 'vitest', range: '0.0.x' })).toThrow(/^vitest \d/)
  requireFramework({ name: 'there-is-no-such-package-here', range: '^1' })
})
