/** Names of `spec.env` that never reach an agent. */
const blockedPrefixes =
  /^(DATABASE_|DB_|POSTGRES|REDIS_|OPENBAO_|VAULT_|SEAWEEDFS_|KEYCLOAK_|OIDC_|OAUTH_|JWT_SECRET|HMAC_|NFS_|GRPC_|OTEL_|OTLP_|CARGO|RUSTUP|RUST_LOG|RUST_BACKTRACE|AEGIS_|LICTOR_|LD_|DYLD_)/i
const blockedNames =
  /^(HOME|PATH|USER|SHELL|HOSTNAME|LANG|LC_ALL|TERM|TMPDIR|SECRET_ID|ROLE_ID|NODE_OPTIONS|PYTHONSTARTUP|PYTHONPATH)$/i
const validName = /^[A-Za-z_][A-Za-z0-9_]*$/

/** Whether a variable of the manifest never reaches its agent: what it could be mistaken for is this server's own. */
export const isLeftOut = (name: string, value: string): boolean =>
  !validName.test(name) || blockedPrefixes.test(name) || blockedNames.test(name) || value.includes('\0')
