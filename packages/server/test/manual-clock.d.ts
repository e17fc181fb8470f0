import type { Clock } from '../src/ports/clock.ts';
/** A clock that a test moves. Timers that fall due run in order, each seeing its own instant. */
export interface ManualClock extends Clock {
    set(milliseconds: number): void;
    /** Move forward; resolves once the tasks that fell due, and the microtasks they started, have run. */
    advance(milliseconds: number): Promise<void>;
}
export declare function manualClock(start?: number): ManualClock;
//# sourceMappingURL=manual-clock.d.ts.map