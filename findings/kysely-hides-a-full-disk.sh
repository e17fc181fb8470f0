#!/usr/bin/env bash
# kysely 0.29.9 on SQLite (node:sqlite of node 24.21.0): an error after which SQLite has undone the transaction by itself
# reaches the caller as "cannot rollback - no transaction is active".
#
# When the disk is full (or on an input or output error) SQLite rolls the transaction back by itself. kysely then sends its
# own `rollback`, which fails, and that second error takes the place of the first: code that tells a full disk by SQLite's
# code 13 sees a fault of its own program instead. Wrap the driver's `rollback` so that "no transaction is active" is no error.
# A full disk is played by `pragma max_page_count` here; outside a transaction the same statement names it.
#
# Seen:
#   outside a transaction: 13 database or disk is full
#   within a transaction: 1 cannot rollback - no transaction is active
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "allowScripts": { "node": true } }' > package.json
npm install --silent --no-audit --no-fund --save-exact node@24.21.0 kysely@0.29.9
cat > seen.mjs <<'JS'
import { DatabaseSync } from 'node:sqlite'
import { Kysely, SqliteDialect } from 'kysely'

const file = new DatabaseSync(':memory:')
file.exec('create table notes (text text); pragma max_page_count = 3')
// The shape that kysely's dialect expects of a driver.
const database = {
  close: () => file.close(),
  prepare(sql) {
    const statement = file.prepare(sql)
    return {
      reader: statement.columns().length > 0,
      all: (parameters) => statement.all(...parameters),
      run: (parameters) => statement.run(...parameters),
    }
  },
}
const db = new Kysely({ dialect: new SqliteDialect({ database }) })
const insert = (within) => within.insertInto('notes').values({ text: 'x'.repeat(1_000_000) }).execute()
const said = (work) => work.then(() => 'stored', (error) => `${error.errcode} ${error.message}`)
console.log(`outside a transaction: ${await said(insert(db))}`)
console.log(`within a transaction: ${await said(db.transaction().execute(insert))}`)
JS
seen=$(./node_modules/.bin/node --no-warnings seen.mjs)
echo "$seen"
[ "$seen" = 'outside a transaction: 13 database or disk is full
within a transaction: 1 cannot rollback - no transaction is active' ]
