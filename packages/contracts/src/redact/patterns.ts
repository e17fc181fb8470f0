export const REDACTED = '[REDACTED]'

const SECRET =
  /^(?:sk-[a-zA-Z0-9]{20}|AKIA[A-Z0-9]{16}|eyJ[a-zA-Z0-9_-]{20,}\.|ghp_[a-zA-Z0-9]{36}|xox[bpas]-[a-zA-Z0-9-]{10})/

/** Whether a text begins like a well-known kind of credential (contract-language §18.3). */
export function looksLikeSecret(text: string): boolean {
  return SECRET.test(text)
}

const EXPORT = /(export\s+([\p{L}\p{N}_]*)=)\S+/gu
const SECRET_NAME = /KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL/
const PASSWORD_OPTION = /((?:^|\s)-p\s*|--password[= ])\S+/g

/**
 * Hides exported secrets, password options and passwords in URLs (contract-language §18.2), each in time linear in the
 * text, so that no argument can stall an agent.
 */
export function redactText(text: string): string {
  let result = text
  if (result.includes('export')) {
    result = result.replace(EXPORT, (all, head: string, name: string) =>
      SECRET_NAME.test(name) ? head + REDACTED : all,
    )
  }
  if (result.includes('-p')) result = result.replace(PASSWORD_OPTION, `$1${REDACTED}`)
  return result.includes('://') ? redactUrlPasswords(result) : result
}

const WORD = /[\p{L}\p{N}_]+/uy
const BLANK = /\s/g

/** `://user:secret@`: the secret reaches to the last `@` of its run of non-blanks. */
function redactUrlPasswords(text: string): string {
  let result = ''
  let copied = 0
  let runEnd = -1
  let lastAt = -1
  for (let start = text.indexOf('://'); start !== -1; start = text.indexOf('://', start + 3)) {
    if (start < copied) continue
    if (start >= runEnd) {
      BLANK.lastIndex = start
      runEnd = BLANK.exec(text)?.index ?? text.length
      lastAt = start + text.slice(start, runEnd).lastIndexOf('@')
    }
    WORD.lastIndex = start + 3
    if (!WORD.test(text)) continue
    const colon = WORD.lastIndex
    if (text[colon] !== ':' || lastAt < colon + 2) continue
    result += text.slice(copied, colon + 1) + REDACTED
    copied = lastAt
  }
  return copied === 0 ? text : result + text.slice(copied)
}
