/** Types of `watch.js`: what happens to the session, as it happens. */

/** One event; `expires_in_s` comes with `active` and `expiring`, `login_url` with `step_up`. */
export interface SessionEvent {
  readonly state: "active" | "expiring" | "refreshed" | "step_up" | "ended";
  readonly expires_in_s?: number;
  readonly login_url?: string;
}

/**
 * Tell `listener` each event of the session until it has ended; returns what stops it.
 * All tabs of a browser share one stream. An outage is not told: it is no end.
 */
export function watch(listener: (event: SessionEvent) => void): () => void;
