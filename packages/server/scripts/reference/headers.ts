/** The header by which a request may be sent again. */
export const once = {
  name: 'Idempotency-Key',
  description:
    'Repetitions with one key are answered alike and count once, for 24 hours; the key with another request is 422. 1 to 255 printable ASCII characters.',
}
