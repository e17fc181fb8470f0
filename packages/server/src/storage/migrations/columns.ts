import type { ColumnDefinitionBuilder } from 'kysely'
import type { Dialect } from '../database.ts'

/** Column types that the two dialects spell differently. */
export function columnTypes(dialect: Dialect) {
  return {
    bytes: dialect === 'postgres' ? 'bytea' : 'blob',
    /** A key that counts up by itself and never comes back, also after its row was deleted. */
    serial: dialect === 'postgres' ? 'bigserial' : 'integer',
    serialKey: (column: ColumnDefinitionBuilder): ColumnDefinitionBuilder =>
      dialect === 'postgres' ? column.primaryKey() : column.primaryKey().autoIncrement(),
  } as const
}
