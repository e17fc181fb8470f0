import { existsSync, realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command, Option } from 'commander'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { present, table } from '../terminal/terminal.ts'
import { ASSISTANT_NAMES } from './assistants/assistant.ts'
import { readLog } from './audit.ts'
import { initGate } from './init.ts'
import { ENTRY_SECONDS, type Program } from './install/command.ts'
import { readIfThere } from './install/file.ts'
import { type Installation, install, uninstall } from './install/install.ts'
import { placesOf } from './install/places.ts'
import { INSTALLABLE, type Installable, isInstallable } from './install/targets.ts'
import { settingsPath } from './place.ts'
import { readSettings } from './settings.ts'
import { type GateStatus, gateStatus } from './status.ts'
import { syncGate } from './sync.ts'

/** `lictor gate …`: contracts in front of a coding assistant. */
export function gateCommand(context: Context): Command {
  const gate = new Command('gate').description('put contracts in front of a coding assistant')
  gate.addCommand(checkCommand())
  gate.addCommand(initCommand(context))
  gate.addCommand(installCommand(context))
  gate.addCommand(uninstallCommand(context))
  gate.addCommand(statusCommand(context))
  gate.addCommand(logCommand(context))
  gate.addCommand(syncCommand(context))
  return gate
}

function checkCommand(): Command {
  return new Command('check')
    .description('judge one call, put on standard input by an assistant (installed as its hook)')
    .addOption(new Option('--format <assistant>', 'who asks').choices(ASSISTANT_NAMES).default('claude-code'))
    .option('--contracts <file...>', 'bundles instead of those of the settings')
    .option('--timeout <seconds>', 'how long the assistant waits; the answer comes before')
    .action(async () => {
      const { runGateCheck } = await import('./check/main.ts')
      await runGateCheck(process.argv.slice(process.argv.indexOf('check') + 1), thisProgram().script)
    })
}

const named = (name: string): Installable => {
  if (isInstallable(name)) return name
  throw new CliError('usage', `${name} is not an assistant; known are ${INSTALLABLE.join(', ')}`, { exitCode: 2 })
}

function installCommand({ terminal, settings, exitWith }: Context): Command {
  const command = new Command('install')
    .description('put the gate into the settings of an assistant, and prove that it refuses')
    .argument('<assistant>', INSTALLABLE.join(', '))
    .option('--timeout <seconds>', 'how long a call may wait for a person', String(ENTRY_SECONDS))
    .option('--managed', "into the administrator's settings of this machine, which users cannot override")
  return command.action((name: string, options: { timeout: string; managed?: boolean }) => {
    const seconds = Number(options.timeout)
    if (!Number.isInteger(seconds) || seconds < 1 || seconds > 86_400)
      throw new CliError('usage', `--timeout ${options.timeout}: whole seconds from 1 to 86400`, { exitCode: 2 })
    const installation = install(named(name), {
      places: placesOf(terminal),
      program: thisProgram(),
      seconds,
      isManaged: options.managed === true,
    })
    present(terminal, settings(command).output, wireOf(installation), () => told(installation))
    if (!installation.proof?.isProven) exitWith(1)
  })
}

function uninstallCommand({ terminal, settings }: Context): Command {
  const command = new Command('uninstall')
    .description('take the gate out of the settings of an assistant')
    .argument('<assistant>', INSTALLABLE.join(', '))
    .option('--managed', "out of the administrator's settings of this machine")
  return command.action((name: string, options: { managed?: boolean }) => {
    const { path, change } = uninstall(named(name), { places: placesOf(terminal), isManaged: options.managed === true })
    present(terminal, settings(command).output, { assistant: name, path, change }, () => {
      if (change === 'removed') return `The gate is no longer in ${path}.`
      return change === 'no-file' ? `There is no ${path}.` : `The gate was not in ${path}.`
    })
  })
}

function initCommand({ terminal, settings }: Context): Command {
  const command = new Command('init')
    .description('make the settings and the contracts of the gate')
    .option('--contracts <file>', 'a bundle to begin with (default: the template coding-assistant-base)')
    .option('--server <url>', 'a console, for questions to people and for the audit log')
    .option('--api-key <key>', 'of an agent, made in that console')
    .option('--bundle <name>', 'follow this bundle of the console')
    .option('--allow-http', 'a console by plain HTTP that is not on this machine')
    .option('--force', 'write over settings that are there')
  return command.action(
    async (options: {
      contracts?: string
      server?: string
      apiKey?: string
      bundle?: string
      allowHttp?: boolean
      force?: boolean
    }) => {
      const place = placesOf(terminal)
      if (existsSync(settingsPath(place)) && options.force !== true)
        throw new CliError('exists', `${settingsPath(place)} is there. Nothing was changed.`, {
          hint: 'Edit it, or use --force to write it anew.',
        })
      const { contracts } = options
      const done = await initGate(place, {
        contracts: contracts === undefined ? null : resolve(terminal.workingDirectory, contracts),
        server: options.server ?? null,
        apiKey: options.apiKey ?? null,
        bundle: options.bundle ?? null,
        allowInsecure: options.allowHttp === true,
      })
      present(terminal, settings(command).output, done, () => [
        `Settings: ${done.settings}`,
        `Contracts: ${done.contracts}, ${done.count} of them, ${done.isKept ? 'kept as they are' : `from ${done.from}`}`,
        `Console: ${done.console ?? 'none, so that nobody can be asked'}`,
        'Next: lictor gate install claude-code',
      ])
    },
  )
}

function statusCommand({ terminal, settings, exitWith }: Context): Command {
  const command = new Command('status').description('what is really in force, and when each assistant last called')
  return command.action(async () => {
    const status = await gateStatus(placesOf(terminal))
    present(terminal, settings(command).output, statusToWire(status), () => statusLines(status))
    const isBroken = status.settings.problem !== null || status.contracts.every(({ problem }) => problem !== null)
    if (isBroken || status.assistants.some(({ off }) => off.length > 0)) exitWith(1)
  })
}

const statusToWire = (status: GateStatus) => ({
  settings: status.settings,
  contracts: status.contracts,
  server_url: status.console?.url ?? null,
  agent_id: status.console?.agentId ?? null,
  pending_events: status.console?.waiting ?? 0,
  installed: status.assistants.filter(({ installed }) => installed.length > 0).map(({ assistant }) => assistant),
  assistants: status.assistants.map(({ assistant, installed, off, lastCall }) => ({
    assistant,
    installed_in: installed,
    off,
    last_call: lastCall,
  })),
  not_held: status.notHeld,
})

function statusLines({ settings, contracts, console, assistants, notHeld }: GateStatus): string[] {
  const shown = assistants.filter(
    ({ installed, off, lastCall }) => installed.length + off.length > 0 || lastCall !== null,
  )
  return [
    `Settings   ${settings.path}${settings.problem === null ? '' : `: ${settings.problem}. Every call is refused.`}`,
    ...contracts.map(
      ({ path, count, hash, problem }) =>
        `Contracts  ${path}: ${problem ?? `${count} contracts, ${(hash ?? '').slice(0, 12)}`}`,
    ),
    console === null
      ? 'Console    not configured: nobody can be asked'
      : `Console    ${console.url} as ${console.agentId}; ${console.waiting} events wait`,
    ...notHeld.map((what) => `NOT HELD   ${what}`),
    '',
    ...(shown.length === 0
      ? ['The gate is in no assistant. Put it in: lictor gate install claude-code']
      : table(
          ['ASSISTANT', 'GATE', 'LAST CALL', 'IN'],
          shown.map(({ assistant, installed, off, lastCall }) => [
            assistant,
            installed.length === 0 ? 'not installed' : off.length > 0 ? 'OFF' : 'installed',
            lastCall === null ? 'never' : `${lastCall.at} ${lastCall.verdict} ${lastCall.tool ?? ''}`.trim(),
            installed.join(', '),
          ]),
        )),
    ...shown.flatMap(({ assistant, off }) => off.map((why) => `${assistant}: ${why}`)),
  ]
}

function logCommand({ terminal, settings }: Context): Command {
  const command = new Command('audit')
    .description('the latest calls that the gate judged on this machine, newest last')
    .option('--limit <count>', 'how many', '20')
    .option('--tool <name>', 'of one tool')
    .addOption(new Option('--verdict <verdict>', 'of one outcome').choices(['allow', 'deny']))
  return command.action((options: { limit: string; tool?: string; verdict?: 'allow' | 'deny' }) => {
    const limit = Number(options.limit)
    if (!Number.isInteger(limit) || limit < 1)
      throw new CliError('usage', `--limit ${options.limit}: a whole number above 0`, { exitCode: 2 })
    const place = placesOf(terminal)
    const { audit } = readSettings(readIfThere(settingsPath(place)), place)
    const { tool, verdict } = options
    const calls = readLog(audit.path, { limit, ...(tool ? { tool } : {}), ...(verdict ? { verdict } : {}) })
    present(terminal, settings(command).output, calls, () =>
      calls.length === 0
        ? 'Nothing was recorded.'
        : table(
            ['TIME', 'VERDICT', 'TOOL', 'ASSISTANT', 'CONTRACT', 'ARGUMENTS'],
            calls.map(({ timestamp, verdict: was, tool_name, payload }) => [
              timestamp,
              was.replace('call_', ''),
              tool_name,
              String(payload.assistant ?? ''),
              String(payload.decision_name ?? ''),
              JSON.stringify(payload.tool_args ?? {}).slice(0, 80),
            ]),
          ),
    )
  })
}

function syncCommand({ terminal, settings, exitWith }: Context): Command {
  const command = new Command('sync')
    .description('send what was recorded to the console, and fetch its bundle')
    .option('--quiet', 'say nothing')
  return command.action(async ({ quiet }: { quiet?: boolean }) => {
    const done = await syncGate(placesOf(terminal))
    if (!done.isComplete || done.bundleProblem !== null) exitWith(1)
    if (quiet === true) return
    present(terminal, settings(command).output, done, () => [
      `${done.delivered} audit events are with the console${done.isComplete ? '' : '; the rest waits, it cannot be reached'}.`,
      ...(done.bundle === 'updated' ? ['The contracts are new.'] : []),
      ...(done.bundleProblem === null ? [] : [`The bundle was not fetched: ${done.bundleProblem}`]),
    ])
  })
}

const wireOf = ({ assistant, path, change, proof, afterwards, hasContracts }: Installation) => ({
  assistant,
  path,
  change,
  proven: proof.isProven,
  proof: proof.detail,
  has_contracts: hasContracts,
  afterwards,
})

function told({ path, change, proof, afterwards, hasContracts }: Installation): string[] {
  const done = {
    added: `The gate is in ${path}.`,
    renewed: `The gate in ${path} was renewed.`,
    unchanged: `The gate was already in ${path}.`,
  }
  return [
    done[change],
    proof.isProven ? `Proven: ${proof.detail}.` : `NOT PROVEN: ${proof.detail}.`,
    ...(hasContracts
      ? []
      : ['There are no contracts yet, and without them every call is refused: run `lictor gate init`.']),
    ...(afterwards === null ? [] : [afterwards]),
    'Make one call with the assistant: `lictor gate status` then shows when it called.',
  ]
}

/** This very program, by the paths that other programs can start it with. */
function thisProgram(): Program {
  const script = fileURLToPath(new URL('../../bin/lictor.js', import.meta.url))
  return { node: process.execPath, script: realpathSync(script) }
}
