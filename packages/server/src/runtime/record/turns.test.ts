import { describe, expect, it } from 'vitest'
import { replay, type TurnEntry } from './turns.ts'

const call = (id: string) => ({ id, name: 'cmd.run', arguments: {} })
const step = { tool: 'cmd.run', argumentsJson: '{}', status: 'succeeded' } as const
const entries: readonly TurnEntry[] = [
  { kind: 'opened', messages: [{ role: 'user', content: 'go' }] },
  { kind: 'answered', text: 'Let me see.', calls: [call('1'), call('2'), call('3')], isCutOff: false },
  { kind: 'called', call: '1', invocationId: 'i1' },
  { kind: 'running', call: '1' },
  { kind: 'told', call: '1', content: 'one', step },
  { kind: 'called', call: '2', invocationId: 'i2' },
  { kind: 'asked', invocationId: 'i2', approvalId: 'a2' },
  { kind: 'running', call: '2' },
  { kind: 'told', call: '2', content: 'two', step },
  { kind: 'called', call: '3', invocationId: 'i3' },
  { kind: 'told', call: '3', content: 'three', step },
  { kind: 'concluded', text: 'Done.' },
]

describe('an attempt, by its entries', () => {
  it('knows after each of them what is known, what may have run and what has not begun', () => {
    const open = (count: number) =>
      replay(entries.slice(0, count)).exchanges[0]?.open.map((one) => [
        one.call.id,
        one.invocationId,
        one.asked.length,
        one.isRunning,
      ])
    expect(open(1)).toEqual([])
    expect(open(2)).toEqual([
      ['1', null, 0, false],
      ['2', null, 0, false],
      ['3', null, 0, false],
    ])
    expect(open(4)?.[0]).toEqual(['1', 'i1', 0, true])
    expect(open(5)?.[0]).toEqual(['2', null, 0, false])
    expect(open(7)?.[0]).toEqual(['2', 'i2', 1, false])
    expect(open(8)?.[0]).toEqual(['2', 'i2', 1, true])
    expect(open(12)).toEqual([])
  })

  it('holds the conversation as the model saw it', () => {
    const { exchanges, trajectory, asked } = replay(entries)
    expect(exchanges[0]).toMatchObject({ toolCalls: 3, rounds: 1, conclusion: 'Done.' })
    expect(exchanges[0]?.messages.map(({ content }) => content)).toEqual([
      'go',
      'Let me see.',
      'one',
      'two',
      'three',
      'Done.',
    ])
    expect(trajectory).toHaveLength(3)
    expect(asked).toEqual(['a2'])
  })

  it('an exchange that failed is begun anew', () => {
    expect(replay([...entries.slice(0, 5), { kind: 'failed' }]).exchanges).toEqual([])
  })
})
