import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { guideFile, guideText } from '../scripts/guide.ts'
import { schemaFile, schemaText } from '../scripts/schema.ts'

test('the published JSON Schema is the one the loader checks by (npm run schema -w @lictor/contracts)', () => {
  expect(JSON.parse(readFileSync(schemaFile, 'utf8'))).toEqual(JSON.parse(schemaText()))
})

test('the guide tells of every operator what its record says (npm run guide -w @lictor/contracts)', () => {
  expect(readFileSync(guideFile, 'utf8')).toBe(guideText())
})
