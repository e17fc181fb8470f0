import type { TestServer } from './harness.ts';
/** Headers of a service account with a fresh token, of the administrator's tenant or of the owner's. */
export declare function serviceHeaders(t: TestServer, account?: {
    role?: string;
    scopes?: string[];
}, owner?: Record<string, string>): Promise<Record<string, string>>;
export declare function requestToken(t: TestServer, form: Record<string, string>): Promise<import("light-my-request").Response>;
/** A script for the scripted model in a file of its own; the environment that plays it. */
export declare function scriptEnvironment(turns: readonly object[]): Record<string, string>;
/** Deploy an agent; its id. `spec` is laid over a minimal manifest. */
export declare function deployAgent(t: TestServer, headers: Record<string, string>, spec?: object, metadata?: object): Promise<string>;
/** Upload a bundle of these contracts (a YAML list), deploy it to production and assign it to the agent. */
export declare function governAgent(t: TestServer, contracts: string, agent?: string): Promise<void>;
export interface StreamedEvent {
    readonly id: string;
    readonly type: string;
    readonly [field: string]: unknown;
}
/** Start an execution; its id. */
export declare function startExecution(t: TestServer, headers: Record<string, string>, agentId: string, body?: object): Promise<string>;
/** Read a stream to its end, or until `stop` says so of an event. */
export declare function readStream(address: string, path: string, headers: Record<string, string>, stop?: (event: StreamedEvent) => boolean | Promise<boolean>): Promise<StreamedEvent[]>;
/** Everything that happened in an execution, once it has ended. */
export declare const allEvents: (address: string, headers: Record<string, string>, id: string) => Promise<StreamedEvent[]>;
/** The types of events, in order. */
export declare const types: (events: readonly StreamedEvent[]) => string[];
/** A turn of the scripted model that calls one tool. */
export declare const call: (name: string, args: object) => {
    tool_calls: {
        name: string;
        arguments: object;
    }[];
};
/** The tools most tests need. */
export declare const files: string[];
/** A server that plays these turns, with an agent of these tools. */
export declare function world(startServer: (environment: Record<string, string>) => Promise<TestServer>): (turns: readonly object[], spec?: object, metadata?: object) => Promise<{
    t: TestServer;
    address: string;
    headers: Record<string, string>;
    agent: string;
    get: (id: string) => Promise<any>;
    start: (body?: object) => Promise<string>;
    events: (id: string) => Promise<StreamedEvent[]>;
    run(body?: object): Promise<{
        id: string;
        events: StreamedEvent[];
        answer: any;
    }>;
    workspace: (id: string) => string;
    /** Whenever this execution asks a person, do something first and then decide; its events, to the last. */
    decide: (id: string, answer: (event: StreamedEvent) => boolean | Promise<boolean>) => Promise<StreamedEvent[]>;
    /** What the model was told of its calls. */
    told: (events: readonly StreamedEvent[]) => string[];
}>;
/** Wait for something another process brings about. */
export declare function until(holds: () => Promise<boolean>): Promise<void>;
//# sourceMappingURL=runtime.d.ts.map