/** Types of `hold.js`: calls that wait for a sign-in instead of losing the page. */

import type { CallInit, Problem } from "./cloakroom.js";

/**
 * As `fetch` of `cloakroom.js`, but the page stays: calls that meet a missing or too weak sign-in
 * wait until there is one and go out again.
 *
 * @param ask Tells the person. `start` opens the sign-in and must be called from a click;
 *   `cancel` lets every waiting call fail with its `Problem`. Asked once, however many wait;
 *   `problem` is the first one's, and says whether a stronger sign-in is what is wanted.
 */
export function holding(
  ask: (start: () => void, cancel: () => void, problem: Problem) => void,
): (input: RequestInfo | URL, init?: Omit<CallInit, "signIn">) => Promise<Response>;

/** Call `listener` whenever a window beside the page has signed somebody in; returns what stops it. */
export function hearSignedIn(listener: () => void): () => void;

/** Tell the pages that wait that somebody has signed in. */
export function tellSignedIn(): void;
