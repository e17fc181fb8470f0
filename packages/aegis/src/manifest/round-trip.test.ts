import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ManifestError } from './errors.ts'
import { AgentManifest } from './manifest.ts'
import type { AgentManifestDocument } from './types.ts'

describe('toYaml', () => {
  const anyText = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      'yes',
      'no',
      'null',
      '~',
      '<<',
      '=',
      '3.10',
      '0o7',
      '1_000',
      '12:30',
      '1e3',
      '.inf',
      ' a\n b',
      'x\n\n',
      '\r\n',
      '#',
      '- a',
      'a: b',
      '2020-01-01',
      '!t',
      '&a',
      '*a',
      '%',
      '@',
      '`',
    ),
  )
  const nonBlank = anyText.filter((value) => value.trim() !== '')
  const texts = fc.dictionary(anyText, anyText, { maxKeys: 4, noNullPrototype: true })
  const manifests: fc.Arbitrary<AgentManifestDocument> = fc.record(
    {
      apiVersion: fc.constant('100monkeys.ai/v1'),
      kind: fc.constant('Agent'),
      metadata: fc.record(
        {
          name: fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/),
          version: nonBlank,
          description: anyText,
          tags: fc.array(anyText, { maxLength: 3 }),
          labels: texts,
          annotations: texts,
        },
        { requiredKeys: ['name', 'version'], noNullPrototype: true },
      ),
      spec: fc.record(
        {
          runtime: fc.record({ language: nonBlank, version: nonBlank }, { noNullPrototype: true }),
          task: fc.record(
            { instruction: nonBlank, input_data: fc.jsonValue().filter((value) => value !== null) },
            { noNullPrototype: true },
          ),
          execution: fc.record(
            { mode: fc.constantFrom('one-shot', 'iterative'), max_iterations: fc.integer({ min: 1, max: 255 }) },
            { requiredKeys: [], noNullPrototype: true },
          ),
          tools: fc.array(nonBlank, { maxLength: 3 }),
          env: texts,
          input_schema: fc.dictionary(anyText, fc.jsonValue(), { maxKeys: 3, noNullPrototype: true }),
        },
        { requiredKeys: ['runtime', 'task'], noNullPrototype: true },
      ),
    },
    { noNullPrototype: true },
  ) as fc.Arbitrary<AgentManifestDocument>

  test('any manifest written and read again is the same manifest', () => {
    fc.assert(
      fc.property(manifests, (document) => {
        const manifest = AgentManifest.from(document)
        expect(AgentManifest.parse(manifest.toYaml()).toJSON()).toEqual(manifest.toJSON())
      }),
      { numRuns: 300 },
    )
  })

  test('no text whatever makes reading fail with anything but a ManifestError', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, fc.json(), fc.string({ unit: 'binary', maxLength: 200 })), (text) => {
        try {
          AgentManifest.parse(text)
        } catch (error) {
          expect(error).toBeInstanceOf(ManifestError)
        }
      }),
      { numRuns: 500 },
    )
  })
})
