import { Command } from 'commander'
import { runtimeClient } from '../connection/runtime.ts'
import type { Context } from '../context.ts'
import { present, table } from '../terminal/terminal.ts'

/** `lictor cortex …`: what the agents of a tenant have learned. */
export function cortexCommand({ terminal, settings, connect }: Context): Command {
  const cortex = new Command('cortex').description('show what agents have learned (LICTOR_CORTEX=on)')

  const patterns = cortex
    .command('patterns', { isDefault: true })
    .description('what helped against which error, the weightiest first')
    .argument('[text]', 'only where error or approach hold this text')
    .option('--limit <n>', 'how many at most', '100')
  patterns.action(async (text: string | undefined, options: { limit: string }) => {
    const filter = { limit: Number(options.limit), ...(text === undefined ? {} : { query: text }) }
    const answer = await runtimeClient(await connect(patterns)).listCortexPatterns(filter)
    present(terminal, settings(patterns).output, answer.patterns, () =>
      answer.patterns.length === 0
        ? ['Nothing has been learned yet.']
        : table(
            ['WEIGHT', 'LEARNED', 'ERROR', 'WHAT HELPED'],
            answer.patterns.map((one) => [
              (one.success_score ?? 0).toFixed(2),
              String(one.frequency ?? 0),
              oneLine(one.error_signature),
              oneLine(one.solution_approach),
            ]),
          ),
    )
  })

  const skills = cortex.command('skills').description('what was learned, by kinds of errors')
  skills.action(async () => {
    const answer = await runtimeClient(await connect(skills)).getCortexSkills()
    present(terminal, settings(skills).output, answer.skills, () =>
      table(
        ['KIND', 'LEVEL', 'PATTERNS', 'USES', 'SUCCESS'],
        answer.skills.map((one) => [
          one.name ?? one.id,
          one.level ?? '',
          String(one.patternCount ?? 0),
          String(one.usageCount ?? 0),
          `${Math.round(one.successRate ?? 0)} %`,
        ]),
      ),
    )
  })

  const metrics = cortex.command('metrics').description('what was learned, in numbers')
  metrics.action(async () => {
    const figures = await runtimeClient(await connect(metrics)).getCortexMetrics()
    present(terminal, settings(metrics).output, figures, () => [
      `${figures.pattern_count} patterns, ${figures.solution_count} ways in which tasks were done.`,
      `Decay has let ${figures.decay?.decayed ?? 0} fade and removed ${figures.decay?.removed ?? 0}.`,
    ])
  })

  return cortex
}

const LONGEST = 60
const oneLine = (text = ''): string => {
  const line = text.replace(/\s+/g, ' ')
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST)}…`
}
