// One process, one subject: milliseconds from before the import until the bundle is loaded, and until the first call is decided.
import { readFileSync } from 'node:fs'

const [kind, entry, file] = process.argv.slice(2)
const text = readFileSync(file, 'utf8')

const subjects = {
  async guard() {
    const { Edictum } = await import(entry)
    const guard = Edictum.fromYamlString(text)
    return () => guard.evaluate('Bash', { command: 'git status' })
  },
  async contracts() {
    const { createEnvelope, decidePre, loadPolicy } = await import(entry)
    const policy = loadPolicy(text)
    const counters = { attempts: 0, executions: 0, toolExecutions: 0 }
    return () => decidePre(policy, createEnvelope('Bash', { command: 'git status' }), counters)
  },
  async peers() {
    const [{ default: yaml }, { Ajv2020 }] = await Promise.all([import('js-yaml'), import('ajv/dist/2020.js')])
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(
      JSON.parse(readFileSync(entry, 'utf8')),
    )
    const document = yaml.load(text)
    if (!validate(document)) throw new Error(JSON.stringify(validate.errors))
    return () => document.contracts.length
  },
}

const cpu = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

const cpuFrom = cpu()
const from = performance.now()
const decide = await subjects[kind]()
const loaded = performance.now() - from
const worked = cpu() - cpuFrom
decide()
process.stdout.write(JSON.stringify({ loaded, worked, decided: performance.now() - from }))
