import type { Schedule, SchedulePayload } from '@lictor/aegis'
import { Command, InvalidArgumentError, Option } from 'commander'
import { runtimeClient } from '../connection/runtime.ts'
import type { Context } from '../context.ts'
import { present, table } from '../terminal/terminal.ts'
import { inputOf } from './run.ts'

interface SetOptions {
  readonly workflow?: string
  readonly agent?: string
  readonly cron?: string
  readonly timezone?: string
  readonly every?: number
  readonly missed?: 'once' | 'skip'
  readonly input?: string
  readonly inputFile?: string
  readonly intent?: string
}

/** `lictor schedule …`: what is started by the clock. */
export function scheduleCommand({ terminal, settings, connect }: Context): Command {
  const schedule = new Command('schedule').description('start workflows and agents by the clock')

  const set = schedule
    .command('set')
    .description('set a schedule, or set it anew')
    .argument('<name>')
    .option('--workflow <name>', 'the workflow that it starts')
    .option('--agent <name>', 'the agent that it starts')
    .option('--cron <pattern>', 'minute, hour, day, month, weekday; with six fields seconds come first')
    .option('--timezone <zone>', 'whose time the pattern means, as in Europe/Berlin (default UTC)')
    .option('--every <seconds>', 'every so many seconds from now on', seconds)
    .addOption(
      new Option('--missed <policy>', 'of times that passed while no server ran: one start for all, or none').choices([
        'once',
        'skip',
      ]),
    )
    .option('-i, --input <text>', 'the input; left out, when it was due')
    .option('--input-file <file>', 'the input from a file: JSON where it ends in .json, otherwise text')
    .option('--intent <text>', 'the intent')
  set.action(async (name: string, options: SetOptions) => {
    const { every, input, inputFile, ...rest } = options
    const hasInput = input !== undefined || inputFile !== undefined
    const made = await runtimeClient(await connect(set)).putSchedule(name, {
      ...rest,
      ...(every === undefined ? {} : { every_seconds: every }),
      ...(hasInput ? { input: inputOf(terminal, options) } : {}),
    })
    present(terminal, settings(set).output, made, () => `${made.name} starts ${startedBy(made)} at ${made.next_at}.`)
  })

  const list = schedule.command('list', { isDefault: true }).alias('ls').description('list them')
  list.action(async () => {
    const { schedules } = await runtimeClient(await connect(list)).listSchedules()
    present(terminal, settings(list).output, schedules, () =>
      schedules.length === 0
        ? "No schedules yet. Set one: lictor schedule set nightly --workflow NAME --cron '30 2 * * *' --timezone Europe/Berlin"
        : table(
            ['NAME', 'STARTS', 'WHEN', 'NEXT', 'STARTED', 'LAST ERROR'],
            schedules.map((one) => [
              one.name,
              startedBy(one),
              one.cron === null ? `every ${one.every_seconds} s` : `${one.cron} (${one.timezone})`,
              one.next_at ?? 'never',
              String(one.started_count),
              one.last_error ?? '',
            ]),
          ),
    )
  })

  const get = schedule.command('get').description('one of them').argument('<name>')
  get.action(async (name: string) => {
    const found = await runtimeClient(await connect(get)).getSchedule(name)
    present(terminal, settings(get).output, found, () => JSON.stringify(found, null, 2))
  })

  const turned = (word: 'pause' | 'resume', description: string) => {
    const command = schedule.command(word).description(description).argument('<name>')
    command.action(async (name: string) => {
      const client = runtimeClient(await connect(command))
      const found = await client.getSchedule(name)
      const made = await client.putSchedule(name, { ...payloadOf(found), enabled: word === 'resume' })
      present(terminal, settings(command).output, made, () =>
        made.next_at === null
          ? `${name} starts nothing any more.`
          : `${name} starts ${startedBy(made)} at ${made.next_at}.`,
      )
    })
  }
  turned('pause', 'start nothing by it until it is resumed')
  turned('resume', 'start by it again')

  const remove = schedule.command('rm').description('delete a schedule; what runs goes on').argument('<name>')
  remove.action(async (name: string) => {
    const answer = await runtimeClient(await connect(remove)).deleteSchedule(name)
    present(terminal, settings(remove).output, answer, () => `Deleted ${name}.`)
  })
  return schedule
}

const startedBy = ({ workflow, agent }: Schedule): string =>
  workflow === null ? `agent ${agent}` : `workflow ${workflow}`

const payloadOf = (one: Schedule): SchedulePayload => ({
  ...(one.workflow === null ? {} : { workflow: one.workflow }),
  ...(one.agent === null ? {} : { agent: one.agent }),
  ...(one.cron === null ? {} : { cron: one.cron }),
  ...(one.timezone === null ? {} : { timezone: one.timezone }),
  ...(one.every_seconds === null ? {} : { every_seconds: one.every_seconds }),
  ...(one.intent === null ? {} : { intent: one.intent }),
  ...(one.input === null ? {} : { input: one.input }),
  missed: one.missed as 'once' | 'skip',
})

function seconds(text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It takes a whole number of seconds from 1.')
}
