import { readableProblem } from '../../api/http.ts'
import type { Problem } from '../../api/types.ts'

export interface SetupForm {
  readonly email: string
  readonly password: string
  readonly tenant: string
  readonly again?: string
}

const FIELDS: Readonly<Record<string, keyof SetupForm>> = {
  email: 'email',
  password: 'password',
  tenant_name: 'tenant',
}

/** Puts each problem of a 422 under the field it is about. */
export function fieldProblems(problems: readonly Problem[]): Partial<Record<keyof SetupForm, string>> {
  const found: Partial<Record<keyof SetupForm, string>> = {}
  for (const problem of problems) {
    const field = FIELDS[String(problem.loc.at(-1))]
    if (field) found[field] ??= `${readableProblem(problem).replace(/\.$/, '')}.`
  }
  return found
}
