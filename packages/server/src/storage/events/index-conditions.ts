import type { RawBuilder, SqlBool } from 'kysely'
import type { Database } from '../database.ts'
import { whichImplies } from '../expressions.ts'

/** The conditions of the partial indexes of `events`, in the words of their migrations, for questions that imply them. */
export const indexed = {
  seldomVerdict: (database: Database): RawBuilder<SqlBool> =>
    whichImplies(database, "verdict not in ('call_allowed', 'call_executed')"),
  observed: (database: Database): RawBuilder<SqlBool> => whichImplies(database, "mode <> 'enforce'"),
  lesserEnv: (database: Database): RawBuilder<SqlBool> => whichImplies(database, "env <> 'production'"),
  decided: (database: Database): RawBuilder<SqlBool> => whichImplies(database, "decision_name <> ''"),
} as const
