import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Terminal } from '../../terminal/terminal.ts'
import type { GatePlace } from '../place.ts'

/** The folders that assistants keep their settings in. */
export interface Places extends GatePlace {
  /** The folder whose project settings count. */
  readonly project: string
  /** Where administrators write; another folder in tests. */
  readonly etc: string
}

export function placesOf(
  { environment, workingDirectory }: Pick<Terminal, 'environment' | 'workingDirectory'>,
  etc = '/etc',
): Places {
  return { home: environment.HOME || homedir(), environment, project: workingDirectory, etc }
}

export const claudeFolder = ({ environment, home }: Places): string =>
  environment.CLAUDE_CONFIG_DIR || join(home, '.claude')
export const codexFolder = ({ environment, home }: Places): string => environment.CODEX_HOME || join(home, '.codex')
export const copilotFolder = ({ environment, home }: Places): string =>
  environment.COPILOT_HOME || join(home, '.copilot')
