import type { TemplateCheck } from '@lictor/aegis'
import { expressionOf } from './expression.ts'
import { loadTemplates } from './renderer.ts'

/** What tells of the templates and expressions of a manifest which of them are broken, as a run would find them. */
export async function loadTemplateCheck(): Promise<TemplateCheck> {
  const templates = await loadTemplates()
  return (text, kind) => {
    if (kind === 'expression' && expressionOf(text) !== null) return null
    if (kind === 'expression' && !text.includes('{{')) return 'it is no expression'
    return templates.problemOf(text)?.replace(/\s*\n\s*/g, ' ') ?? null
  }
}
