import type { ContractIssue } from '@lictor/contracts'
import Type from 'typebox'
import { Nullable } from '../http/schemas.ts'

/** Something wrong, or odd, in a document or a contract, as the API tells it. */
export const Issue = Type.Object({
  code: Type.String({ description: 'Stable code of the kind of problem.' }),
  path: Type.String({ description: 'For example contracts[3].when; empty for the document.' }),
  line: Nullable(Type.Integer({ description: 'Line in the document, counted from 1; null where there is no place.' })),
  column: Nullable(
    Type.Integer({ description: 'Column in the document, counted from 1; null where there is no place.' }),
  ),
  message: Type.String({ description: 'What is wrong, or worth knowing, in a sentence.' }),
  hint: Nullable(Type.String({ description: 'What may help; null where nothing comes to mind.' })),
})

export const wireIssue = ({ code, path, line, column, message, hint }: ContractIssue) => ({
  code,
  path,
  line,
  column,
  message,
  hint: hint ?? null,
})

/** The same as one entry of a 422: what is unknown is left out, `loc` names the field of the request that carried the document. */
export const issueProblem = ({ code, path, line, column, message, hint }: ContractIssue, field: string) => ({
  loc: ['body', field],
  msg: message,
  code,
  path,
  ...(line === null ? {} : { line }),
  ...(column === null ? {} : { column }),
  ...(hint === undefined ? {} : { hint }),
})
