import { Document, isScalar, parse as parseYaml, visit } from 'yaml'

/** A manifest as YAML that readers of YAML 1.1 (the Python SDK) and 1.2 understand alike. */
export function writeYaml(value: unknown): string {
  const document = new Document(value, { compat: 'yaml-1.1', aliasDuplicateObjects: false })
  visit(document, {
    Scalar: (_, node) => {
      if (isScalar(node) && typeof node.value === 'string' && !readsAsText(node.value)) node.type = 'QUOTE_DOUBLE'
    },
  })
  return document.toString({ lineWidth: 0 })
}

/** Whether a plain scalar of this text is read back as the same text by YAML 1.2; `=` and `<<` mean more in 1.1. */
function readsAsText(value: string): boolean {
  if (value === '=' || value === '<<' || /[\u0085\u2028\u2029\ufeff]/.test(value)) return false
  if (/^[A-Za-z][A-Za-z ]*$/.test(value) && value.length > 8) return true
  if (value.includes('\n')) return !/[^\n\x20-\x7e\u00a0-\ud7ff\ue000-\ufffd]|^\s|\r/u.test(value)
  try {
    return typeof parseYaml(value, { logLevel: 'silent' }) === 'string'
  } catch {
    return true
  }
}
