/** Names a glob matches: each `*` as nothing and as one letter, `?` and classes as a member. */
export function sampleGlob(glob: string): readonly string[] {
  const plain = glob.replace(/\[!?\]?([^\]])[^\]]*\]/g, '$1').replaceAll('?', 'x')
  if (!plain.includes('*')) return [plain]
  return [...new Set([plain.replaceAll('*', 'x'), plain.replaceAll('*', '')])].filter((name) => name !== '')
}
