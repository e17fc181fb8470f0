#!/usr/bin/env bash
# croner 11.0.1: adding a second hour to a schedule changes what happens to the first one when clocks change.
#
# `30 2 * * *` with a named zone is safe: once on the night when 02:30 comes twice, and at 03:00 on the night when 02:30 does
# not exist. `30 2,14 * * *` is not: in autumn the charge of 02:30 runs twice, an hour apart, and in spring it is left out
# for that day. By default only a schedule with a single minute and a single hour is kept once a day (`fixedTimeRule:
# 'single-value'`); cron of most systems treats a list of hours like the single hour. Pass `fixedTimeRule: 'no-wildcard'`.
#
# Seen with node 20.20.2 and 24.21.0, Europe/Berlin, times in UTC:
#   autumn 30 2 * * *: 00:30
#   autumn 30 2,14 * * *: 00:30 01:30 13:30
#   spring 30 2 * * *: 01:00
#   spring 30 2,14 * * *: 12:30
#   autumn 30 2,14 * * * no-wildcard: 00:30 13:30
#   spring 30 2,14 * * * no-wildcard: 01:00 12:30
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --save-exact croner@11.0.1
cat > seen.mjs <<'JS'
import { Cron } from 'croner'

const days = { autumn: '2027-10-31', spring: '2027-03-28' }
const say = (season, pattern, options = {}) => {
  const day = days[season]
  const runs = new Cron(pattern, { timezone: 'Europe/Berlin', ...options }).nextRuns(4, new Date(`${day}T00:00:00Z`))
  const ofTheDay = runs.map((run) => run.toISOString()).filter((run) => run.startsWith(day))
  console.log([season, pattern, ...Object.values(options)].join(' ') + ': ' + ofTheDay.map((run) => run.slice(11, 16)).join(' '))
}
say('autumn', '30 2 * * *')
say('autumn', '30 2,14 * * *')
say('spring', '30 2 * * *')
say('spring', '30 2,14 * * *')
say('autumn', '30 2,14 * * *', { fixedTimeRule: 'no-wildcard' })
say('spring', '30 2,14 * * *', { fixedTimeRule: 'no-wildcard' })
JS
seen=$(node seen.mjs)
echo "$seen"
[ "$seen" = 'autumn 30 2 * * *: 00:30
autumn 30 2,14 * * *: 00:30 01:30 13:30
spring 30 2 * * *: 01:00
spring 30 2,14 * * *: 12:30
autumn 30 2,14 * * * no-wildcard: 00:30 13:30
spring 30 2,14 * * * no-wildcard: 01:00 12:30' ]
