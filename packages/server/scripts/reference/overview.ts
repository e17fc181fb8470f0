import { ErrorBody, RuntimeErrorBody } from '../../src/http/schemas.ts'
import { described } from './schemas.ts'

/** What holds for every operation. */
export const overview = {
  description: `| paths | are | who calls them |
|---|---|---|
| \`/api/v1/…\` | governance: contracts, bundles, deployments, events, approvals | the console, Edictum SDKs |
| \`/v1/…\` | the runtime: agents, executions, human approvals, dispatch | AEGIS SDKs, the command line |
| \`/realms/{realm}/…\` | access tokens | AEGIS SDKs |
| \`/health…\`, \`/metrics\` | health and figures | probes |

**Errors.** Under \`/api/v1\` a failure is \`{"detail": "…"}\`, or \`{"detail": [{"loc", "msg"}]}\` for input that is not valid; elsewhere it is \`{"error": "code", "message": "…"}\`. What holds for every operation is not repeated at each: 400 for a path that is no valid URL, 404 for a path that is none of these, 405 with \`Allow\` for another method, 500 for a fault of the server, 503 with \`Retry-After\` while its database is away. What belongs to another tenant looks like what does not exist.

**Every answer** carries \`X-Request-Id\`, 12 hexadecimal digits that the server's log has too.

**Instants** are ISO 8601 in UTC with up to six digits of a second. Numbers and booleans of a request may be written as text. Fields that are not named here are ignored.

**Events.** Operations that change something say so on event streams: \`GET /api/v1/stream\` for agents, \`GET /api/v1/stream/dashboard\` for the console. What an operation emits stands at its end.

**Examples** are requests and answers of a real server.`,
  securitySchemes: {
    session: {
      type: 'apiKey',
      in: 'cookie',
      name: 'edictum_session',
      description:
        'A person. Set by `POST /api/v1/auth/login`. Every change made with the cookie needs the header `X-Requested-With` with any value, and is otherwise answered 403.',
    },
    apiKey: {
      type: 'http',
      scheme: 'bearer',
      bearerFormat: 'edk_{env}_{random}',
      description:
        'An agent. The key reaches its environment only. `X-Edictum-Agent-Id` says which agent calls; without it the key stands for the agent.',
    },
    accessToken: {
      type: 'http',
      scheme: 'bearer',
      bearerFormat: 'JWT',
      description:
        'A service account, by a token of `POST /realms/{realm}/protocol/openid-connect/token`, which lasts five minutes and holds permissions.',
    },
  },
  schemas: {
    Error: described(ErrorBody as never, {}),
    RuntimeError: described(RuntimeErrorBody as never, {}),
  },
} as const
