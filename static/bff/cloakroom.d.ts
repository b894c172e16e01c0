/** Types of `cloakroom.js`: the page's side of the door. */

/** An RFC 9457 problem document as the front door and the services behind it write it. */
export interface ProblemDocument {
  readonly type?: string;
  readonly title?: string;
  readonly status?: number;
  readonly detail?: string;
  readonly code?: string;
  readonly request_id?: string;
  readonly [member: string]: unknown;
}

/** An answer that says no. */
export class Problem extends Error {
  /** Stable; `"unknown"` where the answer was no problem document. */
  readonly code: string;
  /** The HTTP status; 0 when the network itself failed. */
  readonly status: number;
  /** What a person can quote when they ask for help. */
  readonly requestId: string | null;
  readonly detail: string | null;
  /** Whole seconds to wait before asking again, where the answer named them. */
  readonly retryAfterS: number | null;
  readonly document: ProblemDocument;
}

/** Nobody is signed in, and sending the visitor to sign in was not wanted or did not help. */
export class LoginRequired extends Problem {}

/** Signed in, but a service wants a stronger or fresher sign-in first. */
export class StepUpRequired extends Problem {}

/** No answer just now (502, 503, 504, or no network); nothing is lost, and nobody is signed out. */
export class Unavailable extends Problem {}

/** The person who is signed in, and how long the sign-in lasts. */
export interface User {
  readonly sub: string;
  readonly iss: string;
  readonly provider: string;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly session: {
    readonly id: string;
    readonly created_at: string;
    readonly expires_in_s: number;
    readonly absolute_expires_in_s: number;
  };
  readonly logout_url: string;
}

/** The person who is signed in, or null. Never sends anybody to sign in. */
export function user(): Promise<User | null>;

export interface CallInit extends RequestInit {
  /** Whether a missing sign-in sends the visitor to sign in and back here. Default: true. */
  signIn?: boolean;
}

/**
 * As `window.fetch`, for this page's own origin only (a `TypeError` otherwise).
 * Resolves with a good answer; throws a `Problem` for any other.
 */
export function fetch(input: RequestInfo | URL, init?: CallInit): Promise<Response>;

/**
 * Send the visitor to sign in, in this page's language, and back to `returnTo`: a local path,
 * by default this page with its query and fragment.
 */
export function login(options?: LoginOptions): void;

export interface LoginOptions {
  returnTo?: string;
  /** Where signing in begins, as `login_url` of a problem gives it. */
  url?: string;
}

/** The local address that `login` goes to. */
export function loginUrl(options?: LoginOptions): string;

/** Whether signing in is what helps against `problem`. */
export function wantsSignIn(problem: unknown): problem is LoginRequired | StepUpRequired;

/** The path where this front end begins, with a final slash. */
export const BASE: string;

/** Sign out here, then leave for wherever signing out goes on. */
export function logout(): Promise<void>;
