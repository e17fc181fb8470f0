import { statSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { Command, Option } from 'commander'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { present, table } from '../terminal/terminal.ts'
import { version } from '../version.ts'
import { findSkills, readSkill, type Skill } from './skill.ts'
import { judgeSkill, riskSignals, TIERS, type Tier } from './tiers.ts'

interface ScanOptions {
  readonly threshold: Exclude<Tier, 'CLEAN'>
  readonly structuralOnly?: boolean
  readonly verbose?: boolean
  readonly server?: string
  readonly allowHttp?: boolean
}

/** `lictor skill scan`: what the skills of an assistant would do. Exit code 1 when one is at or above the threshold. */
export function skillCommand({ terminal, settings, exitWith }: Context): Command {
  const skill = new Command('skill').description('look through skills of coding assistants')
  const scan = skill
    .command('scan')
    .description('judge every SKILL.md below a folder')
    .argument('<path>')
    .addOption(
      new Option('--threshold <tier>', 'from which tier on to fail').choices(TIERS.slice(0, 3)).default('MEDIUM'),
    )
    .option('--structural-only', 'only whether each skill has contracts')
    .option('-v, --verbose', 'every finding')
    .option('--server <url>', 'send the report to a console (EDICTUM_CONSOLE_TOKEN is the bearer)')
    .addOption(new Option('--allow-http').hideHelp())
  scan.action(async (path: string, options: ScanOptions) => {
    checkServer(options)
    const root = resolve(terminal.workingDirectory, path)
    if (statSync(root, { throwIfNoEntry: false })?.isDirectory() !== true)
      throw new CliError('file', `${path} is no folder.`, { exitCode: 2 })
    const { paths, unreadable } = findSkills(root)
    for (const folder of unreadable) terminal.note(`${folder} cannot be read: what is in it was not looked at.`)
    const skills = paths.flatMap((one) => {
      const read = readSkill(one)
      if (read === null) terminal.note(`${one} cannot be read, or is larger than 1 MiB: it was left out.`)
      return read === null ? [] : [{ ...read, directory: relative(root, dirname(one)) || '.' }]
    })
    const { output } = settings(scan)
    if (options.structuralOnly === true) {
      const without = skills.filter(({ structural }) => !structural.has_contracts_yaml)
      if (without.length > 0) exitWith(1)
      return present(terminal, output, structuralReport(root, skills, without), () => [
        `${skills.length} skills, ${without.length} without contracts.yaml`,
        ...without.map(({ skill_name, directory }) => `  ${skill_name} (${directory})`),
      ])
    }
    const judged = skills
      .map((one) => ({ skill: one, ...judgeSkill(one) }))
      .sort((a, b) => TIERS.indexOf(a.risk_level) - TIERS.indexOf(b.risk_level))
    const report = reportOf(root, judged)
    if (judged.some(({ risk_level }) => TIERS.indexOf(risk_level) <= TIERS.indexOf(options.threshold))) exitWith(1)
    present(terminal, output, report, () => told(judged, options.verbose === true))
    if (options.server !== undefined) await send(options.server, report)
  })
  return skill

  async function send(server: string, report: object): Promise<void> {
    const token = terminal.environment.EDICTUM_CONSOLE_TOKEN
    try {
      const answer = await fetch(`${server.replace(/\/+$/, '')}/api/v1/skill-scan`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
        body: JSON.stringify(report),
        redirect: 'error',
        signal: AbortSignal.timeout(30_000),
      })
      if (!answer.ok) terminal.note(`The report was not taken by ${server}: status ${answer.status}.`)
    } catch (error) {
      terminal.note(`The report was not sent to ${server}: ${(error as Error).message}.`)
    }
  }
}

function checkServer({ server, allowHttp }: ScanOptions): void {
  if (server === undefined) return
  const protocol = URL.parse(server)?.protocol
  if (protocol === 'https:' || (protocol === 'http:' && allowHttp === true)) return
  throw new CliError('usage', `--server ${server}: an address that begins with https:// is needed`, { exitCode: 2 })
}

type Scanned = Skill & { readonly directory: string }
type JudgedSkill = { readonly skill: Scanned } & ReturnType<typeof judgeSkill>

function reportOf(root: string, judged: readonly JudgedSkill[]): object {
  if (judged.length === 0) return { total_scanned: 0, findings: [], stats: {} }
  const count = (tier: Tier) => judged.filter(({ risk_level }) => risk_level === tier).length
  return {
    scanner_version: version,
    scan_date: new Date().toISOString(),
    skills_dir: root,
    total_scanned: judged.length,
    findings: judged
      .filter(({ risk_level }) => risk_level !== 'CLEAN')
      .map(({ skill: { directory: _, truncated, ...features }, risk_level, findings }) => ({
        ...features,
        risk_signals: riskSignals({ ...features, truncated }),
        truncated,
        risk_level,
        findings,
      })),
    stats: {
      critical: count('CRITICAL'),
      high: count('HIGH'),
      medium: count('MEDIUM'),
      clean: count('CLEAN'),
      without_contracts: judged.filter(({ skill }) => !skill.structural.has_contracts_yaml).length,
    },
  }
}

const structuralReport = (root: string, skills: readonly Scanned[], without: readonly Scanned[]) => ({
  skills_dir: root,
  total_scanned: skills.length,
  with_contracts: skills.length - without.length,
  without_contracts: without.length,
  skills_without_contracts: without.map(({ skill_name, author, directory }) => ({
    skill_name,
    author,
    dir: directory,
  })),
})

function told(judged: readonly JudgedSkill[], isVerbose: boolean): string[] {
  if (judged.length === 0) return ['There are no skills here.']
  const rows = judged.map(({ skill, risk_level, findings }) => [
    risk_level,
    skill.skill_name,
    skill.directory,
    findings.find(({ message }) => message !== 'No contracts.yaml')?.message ?? '',
  ])
  const all = isVerbose
    ? judged.flatMap(({ skill, findings }) =>
        findings.map(({ message, line }) => `${skill.directory}/SKILL.md:${line}: ${message}`),
      )
    : []
  return [...table(['RISK', 'SKILL', 'IN', 'FIRST FINDING'], rows), ...all]
}
