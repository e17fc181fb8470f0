/** What a block of code of a skill is looked through for. */
export const DANGEROUS: readonly (readonly [RegExp, string])[] = [
  [/\bcurl\b.*?\|\s*(?:ba)?sh\b/, 'curl_pipe_shell'],
  [/\bwget\b.*?\|\s*(?:ba)?sh\b/, 'wget_pipe_shell'],
  [/\bnc\s+-[^|]*-e\b/, 'netcat_reverse_shell'],
  [/\bncat\b.*?-e\b/, 'ncat_reverse_shell'],
  [/\bpython[23]?\s+-c\s+['"].*?socket/, 'python_reverse_shell'],
  [/\/dev\/tcp\//, 'dev_tcp_reverse_shell'],
  [/\brm\s+-rf\s+\/(?:\s|$)/m, 'destructive_rm_root'],
  [/\bchmod\s+(?:777|[+]s)\b/, 'chmod_dangerous'],
  [/\bdd\s+.*?of=\/dev\//, 'dd_device_write'],
  [/\bmkfs\b/, 'mkfs_format'],
  [/\b(?:eval|exec)\s*\(/, 'eval_exec'],
  [/(?:subprocess|os\.system|os\.popen)\s*\(/, 'python_shell_exec'],
  [/\bBase64\.decode/, 'base64_decode_runtime'],
  [/\\x[0-9a-fA-F]{2}(?:\\x[0-9a-fA-F]{2}){3,}/, 'hex_shellcode'],
  [/String\.fromCharCode\s*\(/, 'js_char_construction'],
  [/\bsudo\s+/, 'sudo_usage'],
  [/\bpasswd\b/, 'passwd_access'],
  [/\/etc\/shadow\b/, 'shadow_access'],
  [/~\/\.ssh\//, 'ssh_key_access'],
  [/\bDNS_EXFIL\b|\bexfiltrat/, 'exfiltration_keyword'],
]

export const REVERSE_SHELLS: ReadonlySet<string> = new Set([
  'netcat_reverse_shell',
  'ncat_reverse_shell',
  'python_reverse_shell',
  'dev_tcp_reverse_shell',
])

export const PIPE_TO_SHELL: readonly RegExp[] = [/\|\s*(?:ba)?sh\b/, /\|\s*(?:python[23]?|ruby|perl|node)\b/]

export const CREDENTIAL_PATHS: readonly RegExp[] = [
  /~?\/\.aws\/credentials/g,
  /~?\/\.ssh\/(?:id_rsa|id_ed25519|authorized_keys)/g,
  /~?\/\.gnupg\//g,
  /~?\/\.npmrc/g,
  /~?\/\.pypirc/g,
  /~?\/\.docker\/config\.json/g,
  /~?\/\.kube\/config/g,
  /~?\/\.git-credentials/g,
  /~?\/\.netrc/g,
  /\/etc\/shadow/g,
  /\/etc\/passwd/g,
  /~?\/\.env(?:\.|$)/gm,
]

/** Addresses that take in what is sent to them and show it to whoever asks; whole domains and those below. */
export const EXFILTRATION =
  /(?:^|\.)(?:ngrok\.io|burpcollaborator\.net|requestbin\.(?:com|net)|pipedream\.net|webhook\.site|oastify\.com|interact\.sh|canarytokens\.com|dnslog\.cn|ceye\.io)$/i

export const URL_TEXT = /https?:\/\/[^\s"'`)<>\]]+/g
export const IPV4 = /\b(?:\d{1,3}\.){3}\d{1,3}\b/g
export const ENVIRONMENT = /\$\{?([A-Z_][A-Z0-9_]*)\}?/g
export const PATH_TEXT = /(?:\/[\w.~-]+){2,}/g
export const BASE64 = /[A-Za-z0-9+/]{40,}={0,2}/g
export const PASSWORD_ARCHIVE = /-(?:P|password|passwd)\s+\S+|--password\s*=?\s*\S+/i
export const SHEBANG = /^#!.*\b(?:sh|bash|zsh|python[23]?|ruby|perl|node)\b/

export const OBFUSCATION: readonly (readonly [RegExp, string])[] = [
  [/(?:0x[0-9a-fA-F]{2}[,\s]*){8,}/, 'hex_encoded'],
  [/(?:String\.fromCharCode|chr|\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4})/, 'char_code_construction'],
  [/\\[0-7]{3}(?:\\[0-7]{3}){3,}/, 'octal_encoded'],
  [/(?:atob|btoa)\s*\(/, 'js_base64_runtime'],
  [/(?:exec|eval)\s*\(\s*(?:compile|__import__)/, 'python_dynamic_exec'],
  [/\$\(\s*echo\s.*?\|\s*base64\s+-d/, 'bash_base64_decode'],
  [/rev\s*<<<|rev\s*\|/, 'string_reversal'],
]
