import type { Transition } from '@lictor/aegis'
import { beforeAll, expect, test } from 'vitest'
import { loadTemplates, type Templates } from '../templates/renderer.ts'
import { holds } from './conditions.ts'

let templates: Templates
beforeAll(async () => {
  templates = await loadTemplates()
})

type Row = [condition: Omit<Transition, 'target'>, output: unknown, holds: boolean]

const process = (exit: number) => ({
  status: exit === 0 ? 'success' : 'failed',
  output: { exit_code: exit },
  exit_code: exit,
})
const score = (value: number, confidence = 0) => ({ status: 'success', score: value, confidence })
const consensus = (value: number, confidence: number) => ({ consensus: { score: value, confidence } })
const response = (value: string) => ({ response: value, status: value })

test.each<Row>([
  [{}, null, true],
  [{ condition: 'always' }, { status: 'failed' }, true],
  [{ condition: 'on_success' }, { status: 'success' }, true],
  [{ condition: 'on_success' }, { status: 'completed' }, true],
  [{ condition: 'on_success' }, { status: 'failed' }, false],
  [{ condition: 'on_success' }, { overall_success: true }, true],
  [{ condition: 'on_success' }, { output: { exit_code: 0 } }, true],
  [{ condition: 'on_success' }, { status: 'approved' }, false],
  [{ condition: 'on_success' }, 'a text of a sub-workflow', true],
  [{ condition: 'on_failure' }, 'a text of a sub-workflow', false],
  [{ condition: 'on_failure' }, { status: 'failed' }, true],
  [{ condition: 'on_failure' }, { status: 'error' }, true],
  [{ condition: 'on_failure' }, { overall_success: false }, true],
  [{ condition: 'on_failure' }, process(1), true],
  [{ condition: 'on_failure' }, process(0), false],
  // Both are true of it: the order decides.
  [{ condition: 'on_success' }, { status: 'failed', exit_code: 0 }, true],
  [{ condition: 'on_failure' }, { status: 'failed', exit_code: 0 }, true],
  [{ condition: 'exit_code_zero' }, process(0), true],
  [{ condition: 'exit_code_zero' }, process(1), false],
  [{ condition: 'exit_code_zero' }, {}, false],
  [{ condition: 'exit_code_non_zero' }, process(1), true],
  [{ condition: 'exit_code_non_zero' }, {}, false],
  [{ condition: 'exit_code_non_zero' }, { exit_code: '1' }, false],
  [{ condition: 'exit_code', value: 2 }, process(2), true],
  [{ condition: 'exit_code', value: 2 }, process(1), false],
  [{ condition: 'score_above', threshold: 0.5 }, score(0.51), true],
  [{ condition: 'score_above', threshold: 0.5 }, score(0.5), false],
  [{ condition: 'score_above' }, score(0), false],
  [{ condition: 'score_above' }, {}, false],
  [{ condition: 'score_above', threshold: 0.5 }, { final_score: 0.6 }, true],
  [{ condition: 'score_below', threshold: 0.5 }, score(0.5), false],
  [{ condition: 'score_below', threshold: 0.5 }, score(0.49), true],
  [{ condition: 'score_below' }, score(1), false],
  [{ condition: 'score_below' }, {}, true],
  [{ condition: 'score_between', min: 0.5, max: 0.7 }, score(0.5), true],
  [{ condition: 'score_between', min: 0.5, max: 0.7 }, score(0.7), true],
  [{ condition: 'score_between', min: 0.5, max: 0.7 }, score(0.71), false],
  [{ condition: 'score_between' }, score(1), true],
  [{ condition: 'confidence_above', threshold: 0.8 }, score(0, 0.81), true],
  [{ condition: 'confidence_above', threshold: 0.8 }, score(1, 0.8), false],
  [{ condition: 'score_and_confidence_above', threshold: 0.7 }, score(0.8, 0.8), true],
  [{ condition: 'score_and_confidence_above', threshold: 0.7 }, score(0.8, 0.7), false],
  [{ condition: 'score_and_confidence_above', threshold: 0.7 }, score(0.7, 0.8), false],
  [{ condition: 'consensus', threshold: 0.7, agreement: 0.9 }, consensus(0.95, 0.5), false],
  [{ condition: 'consensus', threshold: 0.7, agreement: 0.9 }, consensus(0.7, 0.9), true],
  [{ condition: 'consensus', threshold: 0.7, agreement: 0.9 }, consensus(0.69, 0.9), false],
  [{ condition: 'consensus', threshold: 0, agreement: 0 }, {}, false],
  [{ condition: 'all_approved' }, { individual_scores: [0.8, 0.9] }, true],
  [{ condition: 'all_approved' }, { individual_scores: [0.79, 0.9] }, false],
  [{ condition: 'all_approved' }, { individual_scores: [] }, false],
  [{ condition: 'all_approved', threshold: 0.5 }, { individual_scores: [0.5] }, true],
  [{ condition: 'any_rejected' }, { individual_scores: [0.79, 0.9] }, true],
  [{ condition: 'any_rejected' }, { individual_scores: [0.8] }, false],
  [{ condition: 'any_rejected' }, { individual_scores: [] }, false],
  [{ condition: 'input_equals', value: 'Later' }, response('Later'), true],
  [{ condition: 'input_equals', value: 'Later' }, response('later'), false],
  ...['yes', 'Y', '1', 'Approve', 'approved', 'TRUE', ' yes '].flatMap((word): Row[] => [
    [{ condition: 'input_equals_yes' }, response(word), true],
    [{ condition: 'approved' }, response(word), true],
    [{ condition: 'input_equals_no' }, response(word), false],
  ]),
  ...['no', 'N', '0', 'Reject', 'rejected', 'FALSE'].flatMap((word): Row[] => [
    [{ condition: 'input_equals_no' }, response(word), true],
    [{ condition: 'rejected' }, response(word), true],
    [{ condition: 'input_equals_yes' }, response(word), false],
  ]),
  [{ condition: 'input_equals_yes' }, {}, false],
  [{ condition: 'custom', expression: 'blackboard.n > 3' }, null, true],
  [{ condition: 'custom', expression: '{{blackboard.n}} > 4 || {{word}} == "go"' }, null, true],
  [{ condition: 'custom', expression: '{{#if missing}}yes{{/if}}' }, null, false],
  [{ condition: 'custom', expression: '{{#if n}}yes{{/if}}' }, null, true],
  [{ condition: 'custom', expression: '{{#if n}}false{{/if}}' }, null, false],
  [{ condition: 'custom', expression: 'state_output.output.exit_code == 3' }, process(3), true],
  [{ condition: 'custom', expression: '{{flag}}' }, null, false],
  [{ condition: 'custom', expression: 'missing' }, null, false],
  [{ condition: 'custom', expression: 'n >' }, null, false],
  [{ condition: 'custom', expression: '{{#if' }, null, false],
  [{ condition: 'custom', expression: 'constructor' }, null, false],
  [{ condition: 'custom', expression: '__proto__' }, null, false],
  [{ condition: 'custom', expression: 'this.constructor.constructor("return process")()' }, null, false],
  // What a value says is never read as a part of the expression.
  [{ condition: 'custom', expression: '{{sly}} == "x"' }, null, false],
])('%j of %j: %s', (condition, output, expected) => {
  const board = { n: 4, word: 'go', flag: false, sly: '1 == 1 || ""' }
  const facts = { output, isSuccess: true, threshold: null, view: { ...board, blackboard: board } }
  expect(holds({ ...condition, target: 'X' }, facts, templates)).toBe(expected)
})

test('judges are compared with the threshold of the state, where the transition names none', () => {
  const facts = { output: { individual_scores: [0.7] }, isSuccess: true, threshold: 0.7, view: {} }
  expect(holds({ condition: 'all_approved', target: 'X' }, facts, templates)).toBe(true)
  expect(holds({ condition: 'all_approved', threshold: 0.71, target: 'X' }, facts, templates)).toBe(false)
})
