import type { ProblemCode, ProblemDetails, ProblemMembers } from '../generated/types.gen.js';

type Has<Always extends keyof ProblemMembers, Maybe extends keyof ProblemMembers = never> = Required<
  Pick<ProblemMembers, Always>
> &
  Pick<ProblemMembers, Maybe>;

type Retryable = Has<'retryable' | 'retryAfterSeconds'>;

/** What a code says beyond the words; codes that are not here say nothing more. */
interface MembersOf {
  FILE_COUNT_EXCEEDED: Has<never, 'maxCount'>;
  INVALID_PART_NUMBER: Has<'validRange'>;
  INVALID_PART: Has<'partNumber'>;
  PART_SIZE_MISMATCH: Has<'partNumber' | 'expectedSize', 'receivedSize'>;
  PART_COUNT_MISMATCH: Has<'expected', 'missing' | 'unexpected'>;
  CONTENT_TYPE_MISMATCH: Has<'fileId' | 'key'>;
  FILES_INCOMPLETE: Has<'incomplete'>;
  SESSION_NOT_ACTIVE: Has<'sessionStatus'>;
  UNSUPPORTED_MEDIA_TYPE: Has<never, 'key' | 'allowedTypes'>;
  CONFLICT: Has<never, 'suggestedSlug'>;
  DUPLICATE_FILE: Has<'duplicates'>;
  SESSION_EXPIRED: Has<'sessionExpired' | 'expiresAt' | 'now'>;
  FILE_TOO_LARGE: Has<'key' | 'maxBytes'>;
  PAYLOAD_TOO_LARGE: Has<'maxBytes'>;
  RANGE_NOT_SATISFIABLE: Has<'fileSize'>;
  VALIDATION_ERROR: Has<'errors'>;
  TOO_MANY_REQUESTS: Has<'nextAllowedAt' | 'retryAfterSeconds'>;
  STORAGE_UNAVAILABLE: Retryable;
  DATABASE_UNAVAILABLE: Retryable;
  AUTH_UNAVAILABLE: Retryable;
}

/**
 * Why the server refused a request, as a union: `switch (problem.code)` narrows to the members that
 * the code has. It is what {@link ProblemDetails} is, known more exactly.
 */
export type ServerProblem = {
  [Code in ProblemCode]: Omit<ProblemDetails, keyof ProblemMembers | 'code'> & {
    code: Code;
  } & (Code extends keyof MembersOf ? MembersOf[Code] : unknown);
}[ProblemCode];

/** What stops an upload on this side. */
export type ClientProblem =
  /** No answer, `retries` times over: no network, no server, or a page that CORS does not let in. */
  | { code: 'NETWORK' }
  /** The `signal` was aborted; its reason is the `cause`. */
  | { code: 'ABORTED' }
  /** A file can't be used: it has no name or type, can't be read, or has changed on the way. */
  | { code: 'INVALID_FILE'; key: string }
  /** What answered is no server of moc-uploads, or none was reached through a proxy. */
  | { code: 'UNEXPECTED_RESPONSE'; status: number; retryAfterSeconds?: number };

/**
 * What {@link uploadFiles} rejects with. `switch (error.code)` narrows to the members of each code.
 * Where a session was open, `sessionId` names it.
 */
export type UploadError = Error & { sessionId?: string } & (ServerProblem | ClientProblem);

class Failure extends Error {}

export const failure = (
  problem: ServerProblem | ClientProblem,
  message: string,
  cause?: unknown,
): UploadError =>
  Object.assign(new Failure(message, { cause }), problem, {
    name: problem.code === 'ABORTED' ? 'AbortError' : 'UploadError',
  });

/** Whether something caught is an {@link UploadError}. */
export const isUploadError = (error: unknown): error is UploadError => error instanceof Failure;
