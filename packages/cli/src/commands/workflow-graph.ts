import type { Transition, WorkflowManifest } from '@lictor/aegis'

/**
 * A workflow as a Mermaid flowchart. States have numbers for names, because theirs may be any text; people see theirs. Human states
 * are hexagons, states that start another workflow double boxes, and a run may end in the rounded ones.
 */
export function mermaidOf({ metadata, spec }: Pick<WorkflowManifest, 'metadata' | 'spec'>): string {
  const states = Object.entries(spec.states)
  const ids = new Map(states.map(([name], index) => [name, `s${index}`]))
  const lines = ['---', `title: ${JSON.stringify(`${metadata.name} ${metadata.version}`)}`, '---', 'flowchart TD']
  lines.push(`  start(( )) --> ${ids.get(spec.initial_state)}`)
  for (const [name, { kind, transitions }] of states) {
    const label = `"${shown(name)}<br/><small>${kind}</small>"`
    const [open, close] =
      transitions.length === 0
        ? ['([', '])']
        : kind === 'Human'
          ? ['{{', '}}']
          : kind === 'Subworkflow'
            ? ['[[', ']]']
            : ['[', ']']
    lines.push(`  ${ids.get(name)}${open}${label}${close}`)
  }
  for (const [name, { transitions }] of states)
    for (const transition of transitions)
      lines.push(`  ${ids.get(name)} -->${edge(transition)} ${ids.get(transition.target)}`)
  return lines.join('\n')
}

function edge({ condition = 'always', ...fields }: Transition): string {
  if (condition === 'always') return ''
  const { value, threshold, agreement, min, max, expression } = fields
  const words = Object.entries({ value, threshold, agreement, min, max, expression }).flatMap(([name, given]) =>
    given === undefined ? [] : name === 'value' || name === 'expression' ? [`${given}`] : [`${name} ${given}`],
  )
  return `|"${shown([condition.replaceAll('_', ' '), ...words].join(' '))}"|`
}

/** Text that can stand between quotes of a diagram, whatever it says. */
const shown = (text: string): string =>
  text
    .replaceAll(/[&"<>`#]/g, (character) => `#${character.charCodeAt(0)};`)
    .replaceAll(/\s+/g, ' ')
    .slice(0, 120)
