import { writeFileSync } from 'node:fs'
import { bundleJsonSchema } from '../src/authoring.ts'

/** The JSON Schema of bundles as the text that is published beside the code, for editors. */
export const schemaText = (): string => `${JSON.stringify(bundleJsonSchema, null, 2)}\n`

export const schemaFile = new URL('../bundle.schema.json', import.meta.url)

if (import.meta.main) writeFileSync(schemaFile, schemaText())
