import type { CodeBlock } from './code-block.ts'
import { REVERSE_SHELLS } from './patterns.ts'
import type { Skill } from './skill.ts'

export const TIERS = ['CRITICAL', 'HIGH', 'MEDIUM', 'CLEAN'] as const
export type Tier = (typeof TIERS)[number]

export interface SkillFinding {
  readonly message: string
  readonly line: number
}

export interface Judged {
  readonly risk_level: Tier
  readonly findings: readonly SkillFinding[]
}

const HIGH_ENTROPY = 5.5
const MANY_DOMAINS = 5
const PRIVATE = /^(?:10\.|172\.(?:1[6-9]|2\d|3[01])\.|192\.168\.|127\.|169\.254\.)/
const CREDENTIAL_LABELS: ReadonlySet<string> = new Set(['ssh_key_access', 'shadow_access', 'passwd_access'])
const NAMED: Readonly<Record<string, string>> = {
  eval_exec: 'Code is evaluated at run time',
  python_shell_exec: 'A shell is run from Python',
  sudo_usage: 'sudo is used',
  chmod_dangerous: 'Permissions are opened',
  dd_device_write: 'A device is written to',
}
const OBFUSCATING: ReadonlySet<string> = new Set(['hex_shellcode', 'js_char_construction', 'base64_decode_runtime'])

const isPublic = (address: string): boolean =>
  address.split('.').every((part) => Number(part) <= 255) && !PRIVATE.test(address)
const readsCredentials = (block: CodeBlock): boolean =>
  block.credential_paths.length > 0 || block.dangerous_commands.some((label) => CREDENTIAL_LABELS.has(label))

/** How dangerous a skill looks, and by what. */
export function judgeSkill({ code_blocks: blocks, structural, truncated }: Skill): Judged {
  const found: (SkillFinding & { readonly tier: Tier })[] = []
  const note = (tier: Tier, message: string, block?: CodeBlock) =>
    found.push({ tier, message, line: block?.line_range[0] ?? 1 })
  const hasPublicAddress = blocks.some((block) => block.ip_addresses_found.some(isPublic))
  const sendsAway = blocks.some((block) => block.exfil_domains.length > 0)
  for (const block of blocks) {
    for (const blob of block.base64_blobs) {
      if (blob.classification !== 'shell_command') continue
      if (blob.dangerous_pattern !== null)
        note('CRITICAL', `Base64 hides a shell command: ${blob.dangerous_pattern}`, block)
      else note('HIGH', 'Base64 hides a script', block)
    }
    if (block.pipe_to_shell && hasPublicAddress)
      note('CRITICAL', 'Something is piped into a shell, and a public address is named', block)
    if (readsCredentials(block) && sendsAway)
      note('CRITICAL', 'Credentials are read, and there is an address to send them to', block)
    for (const host of block.exfil_domains) note('HIGH', `An address that collects what it is sent: ${host}`, block)
    if (readsCredentials(block)) note('HIGH', 'Credentials are read', block)
    for (const label of block.dangerous_commands) {
      if (REVERSE_SHELLS.has(label)) note('CRITICAL', `A reverse shell: ${label}`, block)
      else if (OBFUSCATING.has(label)) note('HIGH', `Code is obfuscated: ${label}`, block)
      else if (!CREDENTIAL_LABELS.has(label)) note('HIGH', NAMED[label] ?? `A dangerous command: ${label}`, block)
    }
    for (const signal of block.obfuscation_signals) note('HIGH', `Code is obfuscated: ${signal}`, block)
    if (block.pipe_to_shell) note('MEDIUM', 'Something is piped into a shell', block)
    if (block.entropy_score > HIGH_ENTROPY) note('MEDIUM', `High entropy: ${block.entropy_score}`, block)
    if (block.password_protected_archives) note('MEDIUM', 'An archive with a password', block)
  }
  const domains = new Set(blocks.flatMap((block) => block.unique_domains))
  if (domains.size > MANY_DOMAINS) note('MEDIUM', `${domains.size} external domains`)
  if (truncated) note('MEDIUM', 'There are more blocks of code than were looked at')
  const risk_level = TIERS.find((tier) => found.some((one) => one.tier === tier)) ?? 'CLEAN'
  if (!structural.has_contracts_yaml) note('CLEAN', 'No contracts.yaml')
  const findings = new Map(found.map(({ message, line }) => [`${line} ${message}`, { message, line }]))
  return { risk_level, findings: [...findings.values()] }
}

export const riskSignals = (skill: Skill) => ({
  no_contracts: !skill.structural.has_contracts_yaml,
  high_entropy_blocks: skill.code_blocks.filter((block) => block.entropy_score > HIGH_ENTROPY).length,
  external_domain_count: new Set(skill.code_blocks.flatMap((block) => block.unique_domains)).size,
  pipe_to_shell_count: skill.code_blocks.filter((block) => block.pipe_to_shell).length,
  credential_access_count: skill.code_blocks.filter(readsCredentials).length,
  exfil_domain_count: new Set(skill.code_blocks.flatMap((block) => block.exfil_domains)).size,
})
