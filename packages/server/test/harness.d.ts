import type { InjectOptions, Response } from 'light-my-request';
import { type Overrides, type Server } from '../src/app.ts';
import type { Role } from '../src/identity/roles.ts';
import { type ManualClock } from './manual-clock.ts';
export declare const ADMIN: {
    readonly email: 'admin@example.com';
    readonly password: 'correct horse battery';
};
/** A server of a test's own, on a database of its own, with a clock the test moves. */
export interface TestServer {
    readonly server: Server;
    readonly clock: ManualClock;
    /** Environment it was configured with; start another on the same data with it. */
    readonly environment: Readonly<Record<string, string>>;
    request(options: InjectOptions): Promise<Response>;
    /** Listen on a free loopback port; the address. */
    listen(): Promise<string>;
    /** The first administrator's cookie header; created at the first call. */
    admin(): Promise<Record<string, string>>;
    /** Headers of an agent with a new API key of this environment. */
    agent(env?: string, agentId?: string): Promise<Record<string, string>>;
    /** A cookie header of somebody of the first administrator's tenant, a member unless said otherwise. */
    member(role?: Role): Promise<Record<string, string>>;
    /** A cookie header of another tenant's administrator. */
    otherTenant(): Promise<Record<string, string>>;
    /** Stop this process and start another on the same data. */
    restart(): Promise<void>;
    close(): Promise<void>;
}
export interface TestOptions {
    readonly environment?: Readonly<Record<string, string>>;
    readonly overrides?: Overrides;
}
export type Start = (options?: TestOptions) => Promise<TestServer>;
/** Run the same suite on SQLite and on PostgreSQL (skipped, aloud, where PostgreSQL is not installed). */
export declare function onEachDatabase(name: string, suite: (start: Start) => void): void;
/** For what only PostgreSQL does. */
export declare function onPostgres(name: string, suite: (start: Start) => void): void;
/** Starts servers on PostgreSQL; null where it is not installed. */
export declare function postgresStart(): Start | null;
export declare function startTestServer(options?: TestOptions, dropDatabase?: () => Promise<void>): Promise<TestServer>;
//# sourceMappingURL=harness.d.ts.map