import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { openApiFile, openApiText } from '../scripts/openapi.ts'

it('the OpenAPI document that is checked in is the one the server shows: `npm run api -w @lictor/console` writes it anew', async () => {
  expect(readFileSync(openApiFile, 'utf8') === (await openApiText())).toBe(true)
})
