import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { createServer } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { version } from '../src/version.ts'
import { buildDocument } from './reference/document.ts'

/** The OpenAPI document of the server as it is in the source, as the text that is checked in beside it. */
export async function openApiText(): Promise<string> {
  const dataDir = mkdtempSync(join(tmpdir(), 'lictor-openapi-'))
  const config = readConfig({ LICTOR_DATA_DIR: dataDir })
  const server = await createServer(config, pino({ level: 'silent' }), { consoleDir: null })
  try {
    await server.http.ready()
    return `${JSON.stringify(buildDocument(server.http.declaredRoutes, version), null, 1)}\n`
  } finally {
    await server.close()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

export const openApiFile = new URL('../openapi.json', import.meta.url)

if (import.meta.main) writeFileSync(openApiFile, await openApiText())
