export interface PostgresServer {
    /** Up to the database name, for example `postgres://postgres@127.0.0.1:5432`. */
    readonly url: string;
    stop(): Promise<void>;
}
/**
 * Start a PostgreSQL of one's own: own folder, free port, loopback. Null where none is installed.
 * Tests do not wait for the disk; `durable` does, as in production.
 */
export declare function startPostgres(options: {
    durable: boolean;
}): Promise<PostgresServer | null>;
/** Path of a program that comes with PostgreSQL; null where none is installed. */
export declare function postgresBinary(name: string): string | null;
//# sourceMappingURL=postgres.d.ts.map