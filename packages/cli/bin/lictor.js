#!/usr/bin/env node
// Checked in, not built: npm links commands while it installs, before anything is built.
const { existsSync } = process.getBuiltinModule?.('node:fs') ?? (await import('node:fs'))

const [major, minor] = process.versions.node.split('.').map(Number)
const [, , command, part, ...rest] = process.argv
// A coding assistant waits for this one before each of its calls: it has a file of its own, and loads no other command.
const isGateCheck = command === 'gate' && part === 'check' && !rest.includes('--help') && !rest.includes('-h')
const built = new URL(isGateCheck ? '../dist/gate-check.cjs' : '../dist/bin.js', import.meta.url)
if (major < 22 || (major === 22 && minor < 13)) {
  console.error(
    `lictor: this is Node ${process.versions.node}, and Lictor needs 22.13 or newer. In the repository, \`npm start\` and \`npx lictor\` bring their own.`,
  )
  process.exitCode = 1
} else if (existsSync(built)) {
  if (isGateCheck) runScript(built)
  else await import(built.href)
} else {
  console.error('lictor: not built yet. Run `npm run build` first; `npm start` does it by itself.')
  process.exitCode = 1
}

/**
 * Runs a script with the code that an earlier call compiled, its functions included: what Node keeps of modules by itself is the
 * outermost code alone, and compiling the rest again takes longer than a check.
 */
function runScript(url) {
  const { readFileSync, mkdirSync, renameSync, statSync, writeFileSync } = process.getBuiltinModule('node:fs')
  const { Script, constants } = process.getBuiltinModule('node:vm')
  const filename = process.getBuiltinModule('node:url').fileURLToPath(url)
  const home = process.env.HOME
  const { size, mtimeMs } = statSync(filename)
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  // The engine compares the length of the source alone, and the times of packages are all the same.
  const kept = home && `${home}/.lictor/gate/code-${version}-${size}-${Math.trunc(mtimeMs)}-${process.version}.cache`
  let cachedData
  try {
    if (kept) cachedData = readFileSync(kept)
  } catch {
    // The first call.
  }
  const source = `(function (require, __filename) {${readFileSync(filename, 'utf8')}\n})`
  const importModuleDynamically = constants.USE_MAIN_CONTEXT_DEFAULT_LOADER
  const script = new Script(source, { filename, importModuleDynamically, ...(cachedData ? { cachedData } : {}) })
  if (kept && (!cachedData || script.cachedDataRejected)) {
    process.once('exit', () => {
      try {
        mkdirSync(`${home}/.lictor/gate`, { recursive: true, mode: 0o700 })
        writeFileSync(`${kept}.${process.pid}`, script.createCachedData(), { mode: 0o600 })
        renameSync(`${kept}.${process.pid}`, kept)
      } catch {
        // Compiled again next time.
      }
    })
  }
  script.runInThisContext()((name) => process.getBuiltinModule(name), filename)
}
