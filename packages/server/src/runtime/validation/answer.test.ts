import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readAnswer, UnreadableAnswer } from './answer.ts'

const whole = { score: 0.8, confidence: 0.9, reasoning: 'It does.' }

it('reads JSON alone and in the first fenced block', () => {
  const wanted = { ...whole, signals: [], suggestions: [], verdict: null, metadata: {} }
  const json = JSON.stringify(whole)
  for (const output of [
    json,
    ` ${json}\n`,
    `Here it is:\n\`\`\`json\n${json}\n\`\`\`\nDone.`,
    `\`\`\`\n${json}\n\`\`\``,
  ])
    expect(readAnswer(output)).toEqual(wanted)
})

it('keeps what else a judge may say', () => {
  const more = {
    signals: [{ category: 'style', score: 0.5, message: 'Long lines.' }],
    suggestions: ['Shorten them.'],
    verdict: 'warning',
    metadata: { model: 'x' },
  }
  expect(readAnswer(JSON.stringify({ ...whole, ...more }))).toEqual({ ...whole, ...more })
})

it.each<[string, string]>([
  ['It looks good to me. Score: 1.0', 'answered no JSON'],
  ['', 'answered no JSON'],
  ['[1]', 'no object'],
  ['"pass"', 'no object'],
  ['{"confidence":1,"reasoning":"x"}', "'score' must be a number from 0 to 1; it is missing"],
  ['{"score":1,"reasoning":"x"}', "'confidence' must be"],
  ['{"score":1,"confidence":1}', "'reasoning' must be a text; it is missing"],
  ['{"score":"1","confidence":1,"reasoning":"x"}', '\'score\' must be a number from 0 to 1; it is "1"'],
  ['{"score":1.01,"confidence":1,"reasoning":"x"}', "'score' must be"],
  ['{"score":-0.1,"confidence":1,"reasoning":"x"}', "'score' must be"],
  ['{"score":1e999,"confidence":1,"reasoning":"x"}', "'score' must be"],
  ['{"score":null,"confidence":1,"reasoning":"x"}', "'score' must be a number from 0 to 1; it is null"],
  ['{"score":1,"confidence":1,"reasoning":"x","verdict":"yes"}', "'verdict' must be one of"],
  ['{"score":1,"confidence":1,"reasoning":"x","suggestions":"none"}', "'suggestions' must be a list"],
  [
    '{"score":1,"confidence":1,"reasoning":"x","signals":[{"category":"a","score":2,"message":"b"}]}',
    'signals[0].score',
  ],
  ['{"score":1,"confidence":1,"reasoning":"x"} and more', 'answered no JSON'],
  ['```json\n{"score":0}\n```\n```json\n{"score":1,"confidence":1,"reasoning":"x"}\n```', "'confidence' must be"],
])('never takes %s for an answer', (output, message) => {
  expect(() => readAnswer(output)).toThrow(UnreadableAnswer)
  expect(() => readAnswer(output)).toThrow(message)
})

it('throws nothing else, whatever a judge says', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.jsonValue().map((value) => JSON.stringify({ ...whole, value })),
      ),
      (output) => {
        try {
          const { score, confidence } = readAnswer(output)
          expect(score >= 0 && score <= 1 && confidence >= 0 && confidence <= 1).toBe(true)
        } catch (error) {
          expect(error).toBeInstanceOf(UnreadableAnswer)
        }
      },
    ),
  )
})
