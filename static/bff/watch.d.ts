/** Types of `watch.js`: what happens to the session, as it happens. */

/** One event; `expires_in_s` comes with `active` and `expiring`. */
export interface SessionEvent {
  readonly state: "active" | "expiring" | "refreshed" | "step_up" | "ended";
  readonly expires_in_s?: number;
}

/**
 * Tell `listener` each event of the session until it has ended; returns what stops it.
 * All tabs of a browser share one stream. An outage is not told: it is no end.
 */
export function watch(listener: (event: SessionEvent) => void): () => void;
