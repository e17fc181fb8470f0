import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { boundResult, LARGEST_RESULT_BYTES } from './bounds.ts'

describe('what a model is told of a result', () => {
  let root: string
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'lictor-bounds-'))
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))
  const bound = (result: unknown, diskLimit = 100_000_000) =>
    boundResult(result, { callId: 'call', files: { root, diskLimit } })

  it('is the result itself while it is small enough', async () => {
    expect(await bound({ exit_code: 0, stdout: 'x' })).toBe('{"exit_code":0,"stdout":"x"}')
    expect(await bound('x'.repeat(LARGEST_RESULT_BYTES))).toHaveLength(LARGEST_RESULT_BYTES)
    expect(readdirSync(root)).toEqual([])
  })

  it.each([
    ['one long text', { exit_code: 0, stdout: `head${'€'.repeat(400_000)}tail`, stderr: 'short' }],
    [
      'two long texts',
      { exit_code: 1, stdout: `head${'x'.repeat(400_000)}tail`, stderr: `head${'y'.repeat(9_000_000)}tail` },
    ],
    ['a text that JSON makes six times as long', { stdout: `head${'\u0001'.repeat(200_000)}tail` }],
  ])('%s: still the object it was, with head and tail, and whole in a file', async (_name, result) => {
    const told = await bound(result)
    expect(Buffer.byteLength(told)).toBeLessThanOrEqual(LARGEST_RESULT_BYTES)
    const shown = JSON.parse(told) as Record<string, string>
    expect(shown.stdout).toMatch(/^head.*tail$/s)
    expect(told).not.toContain('\ufffd')
    expect(shown.notice).toContain('/workspace/.results/call.txt')
    expect(readFileSync(join(root, '.results/call.txt'), 'utf8')).toContain(result.stdout)
  })

  it('a list, or an object of many parts, is told as one text', async () => {
    const told = await bound(Array.from({ length: 50_000 }, (_one, index) => `entry ${index}`))
    expect(Buffer.byteLength(told)).toBeLessThanOrEqual(LARGEST_RESULT_BYTES)
    expect(told).toMatch(/^\["entry 0".*"entry 49999"\]$/s)
    expect(told).toContain('/workspace/.results/call.txt')
  })

  it('what was read of a file is whole in that file', async () => {
    const told = await bound({ status: 'success', path: '/workspace/big.txt', content: 'x'.repeat(9_000_000) })
    expect(told).toContain('The whole is in /workspace/big.txt.')
    expect(readdirSync(root)).toEqual([])
  })

  it('where the whole cannot be kept, that is said, and nothing is written elsewhere', async () => {
    expect(await bound('x'.repeat(300_000), 1000)).toContain('could not be kept')
    symlinkSync('/tmp', join(root, '.results'))
    expect(await bound('x'.repeat(300_000))).toContain('could not be kept')
    expect(readdirSync('/tmp')).not.toContain('call.txt')
  })
})
