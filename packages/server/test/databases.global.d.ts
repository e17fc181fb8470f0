import type { TestProject } from 'vitest/node';
declare module 'vitest' {
    interface ProvidedContext {
        /** Address of a PostgreSQL server of this run's own, up to the database name; empty where none is installed. */
        postgresUrl: string;
        /** A migrated SQLite file; each test starts from a copy, so that it does not migrate again. */
        sqliteTemplate: string;
    }
}
/** The migrated database that each test's PostgreSQL database is copied from. */
export declare const POSTGRES_TEMPLATE = "lictor_template";
/** One PostgreSQL server for the whole run, and a migrated template of each database. In CI a missing PostgreSQL fails the run. */
export default function setup(project: TestProject): Promise<() => Promise<void>>;
//# sourceMappingURL=databases.global.d.ts.map