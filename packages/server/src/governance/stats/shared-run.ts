/**
 * Whoever asks while an answer to the same question is being worked out waits for the next one, together with all others who came
 * meanwhile: each answer was begun after it was asked for, and however many ask, one at a time is worked out.
 *
 * @param nameOf tells the same question
 */
export function createSharedRun<Question, Answer>(
  run: (question: Question) => Promise<Answer>,
  nameOf: (question: Question) => string,
): (question: Question) => Promise<Answer> {
  const running = new Map<string, { readonly current: Promise<Answer>; next: Promise<Answer> | null }>()

  function begin(question: Question, name: string): Promise<Answer> {
    const current = run(question).finally(() => {
      if (running.get(name)?.next === null) running.delete(name)
    })
    running.set(name, { current, next: null })
    return current
  }

  return (question) => {
    const name = nameOf(question)
    const state = running.get(name)
    if (!state) return begin(question, name)
    const again = () => begin(question, name)
    state.next ??= state.current.then(again, again)
    return state.next
  }
}
