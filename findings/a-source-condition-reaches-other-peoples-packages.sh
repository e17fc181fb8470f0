#!/usr/bin/env bash
# ai 7.0.173 (through eventsource-parser): a monorepo that runs node with `--conditions=source` cannot import it.
#
# `source` is the custom export condition that many monorepos use to run their own packages from TypeScript. Conditions
# are not confined to one's own packages: eventsource-parser publishes a `source` export too, so node picks its `.ts`
# file below node_modules, which it refuses to run. The same import works without the flag, and under a condition that
# bears the project's name (`@acme/source`).
#
# Seen with node 20.20.2 (ERR_UNKNOWN_FILE_EXTENSION) and 24.21.0 (ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING):
#   without: imported
#   @acme/source: imported
#   source: fails on eventsource-parser/src/stream.ts
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --save-exact ai@7.0.173
cat > seen.mjs <<'JS'
import('ai').then(
  () => console.log('imported'),
  (error) => console.log(`fails on ${/eventsource-parser\/src\/[\w.-]+/.exec(error.message)?.[0]}`),
)
JS
seen=$(
  echo "without: $(node seen.mjs)"
  echo "@acme/source: $(node --conditions=@acme/source seen.mjs)"
  echo "source: $(node --conditions=source seen.mjs)"
)
echo "$seen"
[ "$seen" = 'without: imported
@acme/source: imported
source: fails on eventsource-parser/src/stream.ts' ]
