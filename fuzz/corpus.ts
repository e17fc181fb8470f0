/** What mutation starts from: the bundles and workflows of the conformance cases, the templates, the examples. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadTemplate, templateNames } from '@lictor/contracts/authoring'
import { parseAllDocuments, stringify } from 'yaml'

const root = fileURLToPath(new URL('..', import.meta.url))

export interface Corpus {
  readonly bundles: readonly string[]
  readonly workflows: readonly string[]
}

export function readCorpus(): Corpus {
  const bundles = new Set<string>()
  const workflows = new Set<string>()
  const collect = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    const { kind } = value as { kind?: unknown }
    if (kind === 'Ruleset' || kind === 'ContractBundle') bundles.add(stringify(value))
    else if (kind === 'Workflow') workflows.add(stringify(value))
    else for (const child of Object.values(value)) collect(child)
  }
  for (const folder of ['packages/contracts/conformance', 'examples/bundles'])
    for (const file of yamlFiles(join(root, folder)))
      for (const document of parseAllDocuments(readFileSync(file, 'utf8'))) collect(document.toJS())
  for (const name of templateNames) bundles.add(loadTemplate(name))
  return { bundles: [...bundles], workflows: [...workflows] }
}

function yamlFiles(folder: string): string[] {
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const path = join(folder, name)
      if (statSync(path).isDirectory()) return yamlFiles(path)
      return /\.ya?ml$/.test(name) ? [path] : []
    })
}
