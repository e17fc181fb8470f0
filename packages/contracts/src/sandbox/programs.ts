/**
 * Which words of which programs name a machine: the one table that commands are read by. A program that is not in it is read
 * by the fallback of `network.ts`.
 */

/** How a text that names a machine is written. */
export type HostForm =
  /** With or without a scheme: `https://a.test/x`, `a.test/x`. */
  | 'address'
  /** A bare name, with or without user and port: `a.test`, `ann@a.test`, `a.test:80`. */
  | 'machine'
  /** Several of these, with commas. */
  | 'machines'
  /** A machine only where it has the form `host:path`; else a local file. */
  | 'remote'
  /** `name:port:address`, what curl asks instead of the name service. */
  | 'resolve'
  /** `name:port:host:port`, where curl goes instead. */
  | 'connect-to'
  /** `[bind:]port:host:port`, what ssh forwards. */
  | 'forward'
  /** `Key=value` of ssh, `key=value` of git, `name = value` of wget. */
  | 'setting'
  /** `host=a.test dbname=x`, as libpq reads it. */
  | 'conninfo'
  /** A command line that is run to get there. */
  | 'command'
  /** A file of addresses, or of options that may be addresses: nobody here knows what it holds. */
  | 'elsewhere'

/** What the operands of a program are; each has a reader in `operand-hosts.ts`. */
export type OperandKind =
  | 'none'
  | 'addresses'
  | 'first-address'
  | 'machines'
  | 'first-machine'
  | 'remotes'
  | 'conninfo'
  | 'dig'
  | 'git'
  | 'httpie'
  | 'images'
  | 'listener'
  | 'mongo'
  | 'netcat'
  | 'openssl'
  | 'query'
  | 'redis'
  | 'socat'

export interface Program {
  readonly operands: OperandKind
  /** Options whose value, the next word or the rest of this one, names no machine. */
  readonly takes: ReadonlySet<string>
  /** Options whose value can only touch them (`-pSECRET` of mysql). */
  readonly attaches: ReadonlySet<string>
  /** Options whose value names a machine. */
  readonly reaches: ReadonlyMap<string, HostForm>
  /** Options are whole words behind one dash, as in `-connect`: they are neither bundled nor shortened. */
  readonly hasWordOptions: boolean
}

interface Row {
  readonly names: string
  readonly operands: OperandKind
  readonly takes?: string
  readonly attaches?: string
  readonly reaches?: Partial<Record<HostForm, string>>
  readonly hasWordOptions?: true
}

/**
 * An option that is listed as taking a value hides that value, so only those stand here that take one in every program of their
 * row. A value that is not listed is read as an operand, which at worst refuses a call.
 */
const ROWS: readonly Row[] = [
  // Files and pages
  {
    names: 'curl',
    operands: 'addresses',
    takes: `-A -b -c -C -d -D -e -E -F -H -m -o -P -Q -r -t -T -u -U -w -X -y -Y -z --user-agent --cookie --cookie-jar
      --continue-at --data --data-ascii --data-binary --data-raw --data-urlencode --json --dump-header --referer --cert --key
      --cert-type --key-type --pass --form --form-string --header --proxy-header --max-time --output --output-dir --ftp-port
      --quote --range --telnet-option --upload-file --user --proxy-user --write-out --request --request-target --speed-limit
      --speed-time --time-cond --cacert --capath --ciphers --connect-timeout --retry --retry-delay --retry-max-time
      --limit-rate --max-filesize --max-redirs --interface --local-port --noproxy --oauth2-bearer --aws-sigv4 --url-query
      --variable --tls-max --create-file-mode --expect100-timeout --keepalive-time --netrc-file --stderr --trace --trace-ascii
      --unix-socket --abstract-unix-socket --hostpubmd5 --hostpubsha256 --pinnedpubkey --crlfile --egd-file --engine
      --login-options --mail-auth --mail-from --mail-rcpt --parallel-max --postquote --prequote --proto --proto-default
      --proto-redir --random-file --rate --sasl-authzid --service-name --tlsuser --tlspassword --tlsauthtype --alt-svc --hsts
      --dns-interface --dns-ipv4-addr --dns-ipv6-addr --proxy-cacert --proxy-cert --proxy-key --proxy-pass --proxy-ciphers
      --curves --ftp-account --ftp-method --ftp-alternative-to-user --happy-eyeballs-timeout-ms --ip-tos --vlan-priority`,
    reaches: {
      address: '--url --proxy -x --preproxy --proxy1.0 --socks4 --socks4a --socks5 --socks5-hostname --doh-url',
      machines: '--dns-servers',
      resolve: '--resolve',
      'connect-to': '--connect-to',
      elsewhere: '-K --config',
    },
  },
  {
    names: 'wget wget2',
    operands: 'addresses',
    takes: `-a -o -O -t -T -w -Q -P -U -A -R -D -X -I -l --output-file --append-output --output-document --tries --timeout --wait
      --quota --directory-prefix --user-agent --header --user --password --post-data --post-file --body-data --body-file
      --method --accept --reject --level --limit-rate --referer --load-cookies --save-cookies --ca-certificate --certificate
      --private-key --http-user --http-password --proxy-user --proxy-password --waitretry --cut-dirs --default-page
      --max-redirect --domains --exclude-domains --bind-address`,
    reaches: {
      address: '--base -B --http-proxy --https-proxy --ftp-proxy',
      setting: '-e --execute',
      elsewhere: '-i --input-file --config',
    },
  },
  {
    names: 'aria2c',
    operands: 'addresses',
    takes: '-d -o -l -U --dir --out --log --user-agent --header --referer --checksum',
    reaches: {
      address: '--all-proxy --http-proxy --https-proxy --ftp-proxy',
      elsewhere: '-i --input-file --conf-path',
    },
  },
  { names: 'axel lynx links w3m elinks browsh xdg-open websocat', operands: 'addresses' },
  {
    names: 'wscat',
    operands: 'addresses',
    takes: '-H -s -x --header --execute',
    reaches: { address: '-c --connect --proxy' },
  },
  { names: 'lftp', operands: 'first-address', takes: '-e -u -p', reaches: { elsewhere: '-f -c' } },
  {
    names: 'youtube-dl yt-dlp',
    operands: 'addresses',
    takes: '-o -f',
    reaches: { address: '--proxy', elsewhere: '-a --batch-file' },
  },
  {
    names: 'iwr irm invoke-webrequest invoke-restmethod',
    operands: 'first-address',
    takes: '-outfile -method -body -headers -contenttype -credential -timeoutsec -useragent -infile -token',
    reaches: { address: '-uri -proxy' },
    hasWordOptions: true,
  },
  {
    names: 'http https httpie xh xhs',
    operands: 'httpie',
    takes: `-a -A -o -s -p --auth --auth-type --output --style --print --session --session-read-only --timeout --verify --cert
      --cert-key --max-redirects --boundary --raw --pretty`,
    reaches: { address: '--proxy' },
  },
  {
    names: 'ab',
    operands: 'addresses',
    takes: '-p -u -T -H -C -A -e -g -m -z -f -y -x -c -n -t -s',
    reaches: { address: '-X' },
  },
  { names: 'wrk', operands: 'addresses', takes: '-c -d -t -s -H --duration --script --header' },
  { names: 'hey', operands: 'addresses', takes: '-n -c -q -z -m -t -H -T -a -d -D -A -o', reaches: { address: '-x' } },
  { names: 'siege', operands: 'addresses', takes: '-c -t -H -A -m', reaches: { elsewhere: '-f -R' } },
  {
    names: 'grpcurl',
    operands: 'first-address',
    takes: '-d -H -proto -import-path -cacert -cert -key -authority -servername',
    hasWordOptions: true,
  },
  // Other machines' shells and files
  {
    names: 'ssh autossh slogin mosh ssh-copy-id',
    operands: 'first-machine',
    takes: '-b -c -D -E -e -I -i -l -m -O -p -Q -S -w -B',
    reaches: { machines: '-J', machine: '-W', forward: '-L -R', setting: '-o', command: '--ssh', elsewhere: '-F' },
  },
  {
    names: 'sftp',
    operands: 'first-machine',
    takes: '-B -b -c -D -i -l -P -R -S -s -X',
    reaches: { machines: '-J', setting: '-o', elsewhere: '-F' },
  },
  {
    names: 'scp',
    operands: 'remotes',
    takes: '-c -D -i -l -P -S -X',
    reaches: { machines: '-J', setting: '-o', elsewhere: '-F' },
  },
  {
    names: 'sshfs',
    operands: 'remotes',
    takes: '-p',
    reaches: { setting: '-o', elsewhere: '-F', command: '--ssh-command' },
  },
  {
    names: 'rsync',
    operands: 'remotes',
    takes: `-f -T -B -M --exclude --include --files-from --exclude-from --include-from --temp-dir --bwlimit --port --chmod
      --log-file --backup-dir --suffix --timeout --filter --max-size --min-size --rsync-path --password-file --out-format`,
    reaches: { command: '-e --rsh' },
  },
  { names: 'unison rclone', operands: 'remotes', takes: '--config' },
  { names: 'mount', operands: 'remotes', takes: '-t -o' },
  { names: 'ssh-keyscan', operands: 'machines', takes: '-p -T -t', reaches: { elsewhere: '-f' } },
  {
    names: 'git',
    operands: 'git',
    takes: `-C -b -j -o -m -s -X -t --git-dir --work-tree --namespace --branch --origin --depth --jobs --reference --template
      --upload-pack --filter --shallow-since --shallow-exclude --separate-git-dir --receive-pack --push-option --message
      --strategy --strategy-option --server-option`,
    reaches: { setting: '-c --config', remote: '--repo --remote' },
  },
  { names: 'hg svn bzr', operands: 'remotes', takes: '-m -R -r --message --username --password' },
  {
    names: 'docker podman nerdctl',
    operands: 'images',
    takes: `-c -e -h -l -m -p -u -v -w --config --context --log-level --platform --username --password --name --network --env
      --env-file --volume --mount --publish --workdir --user --hostname --entrypoint --label --memory --cpus --restart --add-host
      --dns --pull --gpus --shm-size --tmpfs --ulimit --cap-add --cap-drop --security-opt --device --link --runtime`,
    reaches: { address: '-H --host' },
  },
  // Plain connections
  {
    names: 'nc ncat netcat nc.openbsd nc.traditional',
    operands: 'netcat',
    takes:
      '-e -i -o -p -P -q -s -w -W -X --exec --sh-exec --lua-exec --source --source-port --proxy-type --proxy-auth --output',
    reaches: { address: '-x --proxy' },
  },
  { names: 'socat', operands: 'socat', takes: '-b -t -T' },
  { names: 'telnet rlogin rsh ztcp', operands: 'first-machine', takes: '-l -n -b -e -S -X' },
  { names: 'ftp tftp tnftp showmount finger smbclient', operands: 'first-machine', reaches: { machine: '-L -I' } },
  {
    names: 'openssl',
    operands: 'openssl',
    takes: `-servername -name -CAfile -CApath -cert -certform -key -keyform -pass -cipher -ciphersuites -starttls -verify -alpn
      -sess_out -sess_in -keylogfile -in -out -issuer -respout -reqout -path -port -bind -xmpphost -proxy_user -proxy_pass
      -curves -groups -sigalgs`,
    reaches: { machine: '-connect -host -server', address: '-proxy -url' },
    hasWordOptions: true,
  },
  {
    names: 'gnutls-cli',
    operands: 'first-machine',
    takes: '-p --port --x509cafile --priority --sni-hostname --starttls-proto',
  },
  { names: 'iperf iperf3', operands: 'none', takes: '-p -t -P -b -i', reaches: { machine: '-c --client' } },
  // Names and ways
  { names: 'ping ping6', operands: 'machines', takes: '-I -i -p -M -S -T -W' },
  { names: 'fping hping3', operands: 'machines', takes: '-I -i -p', reaches: { elsewhere: '-f' } },
  { names: 'tracepath ntpdate rdate sntp rpcinfo', operands: 'machines' },
  {
    names: 'snmpget snmpgetnext snmpset snmpwalk snmpbulkwalk',
    operands: 'first-machine',
    takes: '-v -c -u -l -a -A -x -X -n -m -M -O',
  },
  { names: 'arping', operands: 'machines', takes: '-i -I -s -S' },
  { names: 'traceroute traceroute6 tcptraceroute', operands: 'first-machine', takes: '-i -s -g -M -O' },
  {
    names: 'mtr',
    operands: 'machines',
    takes: '-I -a -o --interface --address --order --report-cycles --interval',
    reaches: { elsewhere: '-F --filename' },
  },
  {
    names: 'nmap masscan zmap nikto',
    operands: 'machines',
    takes: '-p -oN -oX -oG -oA -o -e -S --script --script-args --exclude --rate --top-ports',
    reaches: { machines: '--dns-servers -h -host', elsewhere: '-iL', address: '--proxies' },
    hasWordOptions: true,
  },
  {
    names: 'dig kdig delv',
    operands: 'dig',
    takes: '-b -c -k -p -t -y',
    reaches: { machine: '-x -q', elsewhere: '-f' },
  },
  { names: 'drill', operands: 'dig', takes: '-c -k -y', reaches: { machine: '-x', elsewhere: '-f' } },
  { names: 'host', operands: 'machines', takes: '-t -c -m' },
  { names: 'nslookup', operands: 'machines' },
  { names: 'getent resolvectl systemd-resolve', operands: 'query' },
  { names: 'whois', operands: 'first-machine', reaches: { machine: '-h --host' } },
  // Databases and queues
  {
    names: 'psql pgcli',
    operands: 'conninfo',
    takes: `-c -f -o -p -U -v -F -P -R -L -T --command --file --output --port --username --set --variable --field-separator
      --pset --record-separator --log-file --table-attr`,
    reaches: { machines: '-h --host', conninfo: '-d --dbname' },
  },
  {
    names: 'pg_dump pg_dumpall pg_restore pg_isready pg_basebackup createdb dropdb vacuumdb reindexdb pgbench',
    operands: 'conninfo',
    takes: '-p -U -f --port --username --file',
    reaches: { machines: '-h --host', conninfo: '-d --dbname' },
  },
  {
    names: 'mysql mariadb mysqldump mysqladmin mysqlimport mysqlshow mycli mariadb-dump',
    operands: 'none',
    takes: '-u -P -S -e -D --user --port --socket --execute --database --protocol --result-file --where',
    attaches: '-p',
    reaches: { machine: '-h --host' },
  },
  {
    names: 'redis-cli valkey-cli redis-benchmark',
    operands: 'redis',
    takes: '-p -s -a -n -r -i -d --user --pass --eval --cacert --cert --key --pattern',
    reaches: { machine: '-h', address: '-u' },
  },
  {
    names: 'mongo mongosh mongodump mongorestore mongoexport mongoimport',
    operands: 'mongo',
    takes:
      '-u -p -d -c -o --username --password --port --db --collection --eval --file --out --authenticationDatabase --query',
    reaches: { machines: '-h --host', address: '--uri' },
  },
  {
    names: 'cqlsh',
    operands: 'first-machine',
    takes: '-u -p -k -f -e --username --password --keyspace --file --execute',
  },
  {
    names: 'clickhouse-client',
    operands: 'none',
    takes: '-u -d -q --user --password --database --query',
    reaches: { machine: '-h --host' },
  },
  { names: 'sqlcmd bcp', operands: 'none', takes: '-U -P -d -Q -q -i -o', reaches: { machine: '-S' } },
  { names: 'tsql', operands: 'none', takes: '-U -P -D -p', reaches: { machine: '-S -H' } },
  {
    names: 'ldapsearch ldapadd ldapmodify ldapdelete ldapwhoami',
    operands: 'none',
    takes: '-b -D -w -y -f -s -l -z -p -o -Y -U -R -X',
    reaches: { machine: '-h', address: '-H' },
  },
  {
    names: 'mosquitto_pub mosquitto_sub',
    operands: 'none',
    takes: '-t -m -p -u -P -i -q -f --topic --message --port',
    reaches: { machine: '-h --host', address: '-L --url --proxy' },
  },
  { names: 'kcat kafkacat', operands: 'none', takes: '-t -p -o -c -X -F', reaches: { machines: '-b' } },
  {
    names: 'swaks',
    operands: 'none',
    takes: '-t -f -p --to --from --port --body --header --data',
    reaches: { machine: '-s --server' },
  },
  // Programs whose `--host` is where they listen
  {
    names: `uvicorn gunicorn hypercorn daphne flask vite next nuxt astro ng rails puma http-server serve live-server json-server
      php jupyter jupyter-lab mkdocs hugo jekyll streamlit webpack webpack-dev-server parcel caddy http.server`,
    operands: 'listener',
  },
]

let programs: ReadonlyMap<string, Program> | undefined

/** The row of a program by its name without folder, in small letters. The table is made when the first command asks for it. */
export function programNamed(name: string): Program | undefined {
  programs ??= new Map(ROWS.flatMap((row) => wordsIn(row.names).map((each) => [each, programOf(row)] as const)))
  return programs.get(name)
}

function programOf({ operands, takes, attaches, reaches, hasWordOptions }: Row): Program {
  const forms = Object.entries(reaches ?? {}) as [HostForm, string][]
  return {
    operands,
    takes: new Set(wordsIn(takes)),
    attaches: new Set(wordsIn(attaches)),
    reaches: new Map(forms.flatMap(([form, options]) => wordsIn(options).map((option) => [option, form] as const))),
    hasWordOptions: hasWordOptions ?? false,
  }
}

/** A program that runs the program behind it. */
export interface Wrapper {
  /** Short options of its own that take a value. */
  readonly valued: string
  /** Words of its own before the program: `5` of `timeout 5 curl`. */
  readonly own: number
}

/** Its short options with values, and how many words of its own come before the program. */
const WRAPPERS: ReadonlyMap<string, readonly [valued: string, own: number]> = new Map([
  ['sudo', ['uCghprtTUD', 0]],
  ['doas', ['uC', 0]],
  ['env', ['uC', 0]],
  ['nohup', ['', 0]],
  ['setsid', ['', 0]],
  ['time', ['fo', 0]],
  ['command', ['', 0]],
  ['exec', ['a', 0]],
  ['builtin', ['', 0]],
  ['export', ['', 0]],
  ['declare', ['', 0]],
  ['busybox', ['', 0]],
  ['toybox', ['', 0]],
  ['nice', ['n', 0]],
  ['ionice', ['cn', 0]],
  ['chrt', ['', 1]],
  ['taskset', ['', 1]],
  ['stdbuf', ['ioe', 0]],
  ['unbuffer', ['', 0]],
  ['timeout', ['ks', 1]],
  ['watch', ['n', 0]],
  ['strace', ['eopsuE', 0]],
  ['ltrace', ['eopsu', 0]],
  ['flock', ['wE', 1]],
  ['chroot', ['', 1]],
  ['unshare', ['', 0]],
  ['torsocks', ['', 0]],
  ['torify', ['', 0]],
  ['proxychains', ['f', 0]],
  ['proxychains4', ['f', 0]],
  ['parallel', ['jIaS', 0]],
  ['xargs', ['IEdLnPsa', 0]],
  ['coproc', ['', 0]],
  ['sshpass', ['pfdP', 0]],
  ['systemd-run', ['pHMu', 0]],
  ['powershell', ['', 0]],
  ['pwsh', ['', 0]],
  ['cmd', ['', 1]],
  ['npx', ['pc', 0]],
  ['bunx', ['', 0]],
  ['uvx', ['', 0]],
  ['!', ['', 0]],
])

export function wrapperNamed(name: string): Wrapper | undefined {
  const entry = WRAPPERS.get(name)
  return entry === undefined ? undefined : { valued: entry[0], own: entry[1] }
}

/** Programs that run another one as a subcommand: `poetry run curl`. */
export const RUNNERS: ReadonlyMap<string, string> = new Map([
  ['poetry', 'run'],
  ['uv', 'run'],
  ['pipenv', 'run'],
  ['pdm', 'run'],
  ['hatch', 'run'],
  ['pipx', 'run'],
  ['bundle', 'exec'],
  ['npm', 'exec'],
  ['pnpm', 'exec'],
  ['yarn', 'exec'],
])

/** The words of a list that is written with blanks. */
export function wordsIn(text = ''): readonly string[] {
  return text === '' ? [] : text.split(/\s+/)
}
