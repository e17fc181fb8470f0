import type { AssistantName } from '../assistants/assistant.ts'

/** How this installation of Lictor is started: by absolute paths, because an assistant may have another PATH. */
export interface Program {
  readonly node: string
  readonly script: string
}

/** Seconds that an entry lets the gate take, unless it is said otherwise: a person must have time to answer. */
export const ENTRY_SECONDS = 600

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`

/** The check alone, as a line of a shell. */
export const checkCommand = ({ node, script }: Program, assistant: AssistantName, seconds: number): string =>
  `${quoted(node)} ${quoted(script)} gate check --format ${assistant} --timeout ${seconds}`

/**
 * The line that an entry runs. Whatever ends the check in any other way than allowing becomes the code that refuses, also where
 * the program is not there any more: other codes let the call run in most assistants.
 */
export const hookCommand = (program: Program, assistant: AssistantName, seconds: number): string =>
  `${checkCommand(program, assistant, seconds)}; case $? in 0) ;; 2) exit 2 ;; *) echo 'lictor gate did not answer: the call is refused' >&2; exit 2 ;; esac`

/** Whether a line of a shell is one of ours, whatever the paths and the version. */
export const isGateCommand = (line: unknown): boolean =>
  typeof line === 'string' && /\bgate check --format [a-z-]+/.test(line) && /lictor/.test(line)
