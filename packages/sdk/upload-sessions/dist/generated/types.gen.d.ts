export type ClientOptions = {
    baseUrl: `${string}://${string}` | (string & {});
};
/**
 * All parts of the file, each once, in any order.
 */
export type CompleteFileRequest = {
    parts: Array<PartReceipt>;
};
/**
 * The file.
 */
export type CompletedFile = SessionExtension & {
    fileId: string;
    /**
     * Where it can be had.
     */
    fileUrl: string;
};
/**
 * A request for a session.
 */
export type CreateSessionRequest = {
    /**
     * Lets in files that the user has uploaded before.
     */
    allowDuplicates?: boolean;
    /**
     * Hashes of files that do not carry their own.
     */
    fileHashes?: Array<FileHash>;
    /**
     * What is going to be uploaded; at least one instruction.
     */
    files: Array<FileMetadata>;
};
/**
 * The session.
 */
export type CreatedSession = {
    /**
     * When it expires unless it is used.
     */
    expiresAt: string;
    /**
     * Cut files into parts of this size.
     */
    partSizeBytes: number;
    sessionId: string;
};
/**
 * A file that the user has already.
 */
export type DuplicateFile = {
    /**
     * Where the earlier file is.
     */
    existingUrl: string;
    /**
     * The client's key in this request.
     */
    key: string;
};
/**
 * How often sessions failed for one reason.
 */
export type FailurePoint = {
    count: number;
    /**
     * An error code, or CANCELLED; UNKNOWN where an event names none.
     */
    reason: string;
    /**
     * Of all failures in the range, from 0 to 1.
     */
    share: number;
};
/**
 * One field that can't be right.
 */
export type FieldProblem = {
    /**
     * What is wrong and what would be right.
     */
    message: string;
    /**
     * JSON pointer into the request body, or into the query parameters (RFC 6901).
     */
    pointer: string;
};
/**
 * A registered file, or why it was refused.
 */
export type FileBatchResult = RegisteredFile | RefusedFile;
/**
 * What a file is for.
 */
export type FileCategory = 'instruction' | 'parts-list' | 'image' | 'thumbnail';
/**
 * The hash of a file of the request.
 */
export type FileHash = {
    /**
     * 32 to 128 hex digits.
     */
    hash: string;
    /**
     * Of a file of this request.
     */
    key: string;
    /**
     * Of that file, in bytes.
     */
    size: number;
};
/**
 * A file as the client describes it.
 */
export type FileMetadata = {
    category: FileCategory;
    /**
     * Extension of the file's name.
     */
    ext: string;
    /**
     * 32 to 128 hex digits. 64 are taken for a SHA-256, which the server verifies.
     */
    hash?: string | null;
    /**
     * Names the file within its session; the name, when it is not there.
     */
    key?: string | null;
    /**
     * As the user sees it.
     */
    name: string;
    /**
     * Bytes.
     */
    size: number;
    /**
     * MIME type; a hint, the bytes decide when the session is finalized.
     */
    type: string;
};
/**
 * As in a problem.
 */
export type FileRefusal = ProblemMembers & {
    code: ProblemCode;
    message: string;
};
/**
 * How far a file is.
 */
export type FileStatus = 'pending' | 'uploading' | 'completed' | 'failed';
/**
 * What the MOC is to be called.
 */
export type FinalizeSessionRequest = {
    description?: string | null;
    /**
     * Each of 1 to 50 characters.
     */
    tags?: Array<string>;
    theme?: string | null;
    /**
     * Unique among your MOCs.
     */
    title: string;
    uploadSessionId: string;
};
/**
 * What a call finds that did not create the MOC.
 */
export type FinalizedBefore = FinalizedMoc | Finalizing;
/**
 * The MOC.
 */
export type FinalizedMoc = Moc & {
    /**
     * True when an earlier call created it.
     */
    idempotent?: boolean;
};
/**
 * Another call is creating the MOC just now; ask again.
 */
export type Finalizing = {
    /**
     * Always true.
     */
    idempotent: boolean;
    status: FinalizingStatus;
};
/**
 * The MOC is being created.
 */
export type FinalizingStatus = 'finalizing';
/**
 * Which page it is.
 */
export type ListPagination = {
    limit: number;
    offset: number;
    /**
     * All that match.
     */
    total: number;
};
/**
 * A part that has arrived.
 */
export type ListedPart = {
    etag: string;
    partNumber: number;
    /**
     * Bytes.
     */
    size: number;
    uploadedAt: string;
};
/**
 * What a session became.
 */
export type Moc = {
    createdAt: string;
    description: string | null;
    id: string;
    /**
     * Object keys.
     */
    imageKeys: Array<string>;
    /**
     * Object keys.
     */
    partsKeys: Array<string>;
    /**
     * Object key of the first instruction that was registered.
     */
    pdfKey: string;
    /**
     * Unique among the user's MOCs.
     */
    slug: string;
    status: MocStatus;
    tags: Array<string>;
    theme: string | null;
    /**
     * Of the first thumbnail, else the first image.
     */
    thumbnailUrl: string | null;
    title: string;
};
/**
 * MOCs are born private.
 */
export type MocStatus = 'private';
/**
 * The parts that have arrived, in order.
 */
export type PartList = {
    parts: Array<ListedPart>;
};
/**
 * A part as its upload answered it.
 */
export type PartReceipt = {
    /**
     * With or without its quotes.
     */
    etag: string;
    partNumber: number;
};
/**
 * Where a part may be put without a token.
 */
export type PresignedUrl = {
    expiresAt: string;
    /**
     * To be sent along.
     */
    headers: {
        [key: string]: string;
    };
    partNumber: number;
    /**
     * PUT the part's bytes here; the answer has an `ETag` header.
     */
    url: string;
};
/**
 * Why a request was refused: for programs to switch on.
 */
export type ProblemCode = 'BAD_REQUEST' | 'FILE_COUNT_EXCEEDED' | 'INVALID_PART_NUMBER' | 'INVALID_PART' | 'PART_SIZE_MISMATCH' | 'PART_COUNT_MISMATCH' | 'CHECKSUM_MISMATCH' | 'CONTENT_TYPE_MISMATCH' | 'FILES_INCOMPLETE' | 'SESSION_NOT_ACTIVE' | 'UNAUTHORIZED' | 'FORBIDDEN' | 'NOT_FOUND' | 'METHOD_NOT_ALLOWED' | 'REQUEST_TIMEOUT' | 'LENGTH_REQUIRED' | 'UNSUPPORTED_MEDIA_TYPE' | 'CONFLICT' | 'DUPLICATE_FILE' | 'SESSION_EXPIRED' | 'FILE_TOO_LARGE' | 'PAYLOAD_TOO_LARGE' | 'RANGE_NOT_SATISFIABLE' | 'VALIDATION_ERROR' | 'TOO_MANY_REQUESTS' | 'INTERNAL_ERROR' | 'STORAGE_UNAVAILABLE' | 'DATABASE_UNAVAILABLE' | 'AUTH_UNAVAILABLE';
/**
 * Why a request was refused (RFC 9457). Switch on `code`.
 */
export type ProblemDetails = ProblemMembers & {
    /**
     * For programs.
     */
    code: ProblemCode;
    /**
     * Finds this request in the server's log.
     */
    correlationId: string;
    /**
     * What is wrong with this request, and what would be right.
     */
    detail: string;
    /**
     * The HTTP status.
     */
    status: number;
    /**
     * The code in a few words.
     */
    title: string;
    /**
     * A page that explains the code: `/problems/<slug>`.
     */
    type: string;
};
/**
 * What some codes say beyond the words.
 */
export type ProblemMembers = {
    /**
     * `UNSUPPORTED_MEDIA_TYPE`: what would be taken.
     */
    allowedTypes?: Array<string>;
    /**
     * `DUPLICATE_FILE`: all of them.
     */
    duplicates?: Array<DuplicateFile>;
    /**
     * `VALIDATION_ERROR`: one entry per field.
     */
    errors?: Array<FieldProblem>;
    /**
     * `PART_COUNT_MISMATCH`: how many parts the file has.
     */
    expected?: number;
    /**
     * `PART_SIZE_MISMATCH`: bytes that the part must have.
     */
    expectedSize?: number;
    /**
     * `SESSION_EXPIRED`: when it did.
     */
    expiresAt?: string;
    /**
     * `CONTENT_TYPE_MISMATCH`: the file.
     */
    fileId?: string;
    /**
     * `RANGE_NOT_SATISFIABLE`: the file's bytes.
     */
    fileSize?: number;
    /**
     * `FILES_INCOMPLETE`: registered files that are not completed.
     */
    incomplete?: Array<string>;
    /**
     * The client's key of the file.
     */
    key?: string;
    /**
     * `FILE_TOO_LARGE`, `PAYLOAD_TOO_LARGE`: bytes.
     */
    maxBytes?: number;
    /**
     * `FILE_COUNT_EXCEEDED`: files.
     */
    maxCount?: number;
    /**
     * `PART_COUNT_MISMATCH`: part numbers that have not arrived or were not named.
     */
    missing?: Array<number>;
    /**
     * `TOO_MANY_REQUESTS`: when it will be let in.
     */
    nextAllowedAt?: string;
    /**
     * `SESSION_EXPIRED`: the server's time.
     */
    now?: string;
    /**
     * `PART_SIZE_MISMATCH`, `INVALID_PART`: the part.
     */
    partNumber?: number;
    /**
     * `PART_SIZE_MISMATCH`: bytes that came or were announced.
     */
    receivedSize?: number;
    /**
     * `TOO_MANY_REQUESTS` and 503: as in the header `Retry-After`.
     */
    retryAfterSeconds?: number;
    /**
     * 503: the same request may succeed later.
     */
    retryable?: boolean;
    /**
     * `SESSION_EXPIRED`: always true.
     */
    sessionExpired?: boolean;
    /**
     * `SESSION_NOT_ACTIVE`: what the session is.
     */
    sessionStatus?: string;
    /**
     * `CONFLICT` about a title: a slug that is free.
     */
    suggestedSlug?: string;
    /**
     * `PART_COUNT_MISMATCH`: part numbers that were named twice or are not of the file.
     */
    unexpected?: Array<number>;
    /**
     * `INVALID_PART_NUMBER`: the first and the last part of the file.
     */
    validRange?: Array<number>;
};
/**
 * The part is stored and recorded.
 */
export type ReceivedPart = SessionExtension & {
    /**
     * Hand it back as it is when the file is completed.
     */
    etag: string;
    partNumber: number;
};
/**
 * A file that was refused.
 */
export type RefusedFile = {
    error: FileRefusal;
    /**
     * The client's, as far as it gave one.
     */
    key: string | null;
};
/**
 * A file that was declared when the session was created.
 */
export type RegisterFileRequest = {
    category: FileCategory;
    /**
     * Extension of the file's name.
     */
    ext: string;
    /**
     * 32 to 128 hex digits.
     */
    hash?: string | null;
    /**
     * As it was declared; the name, when it is not there.
     */
    key?: string | null;
    /**
     * As the user sees it.
     */
    name: string;
    /**
     * Asks for presigned URLs; must be what the file has: its size over the session's
     * partSizeBytes, rounded up.
     */
    partCount?: number | null;
    /**
     * Bytes.
     */
    size: number;
    /**
     * MIME type.
     */
    type: string;
};
/**
 * Files that were declared when the session was created.
 */
export type RegisterFilesBatchRequest = {
    /**
     * Up to `MAX_BATCH_SIZE`, 10 unless the server is told otherwise.
     */
    files: Array<RegisterFileRequest>;
};
/**
 * The file and how to cut it.
 */
export type RegisteredFile = SessionExtension & {
    fileId: string;
    key: string;
    partCount: number;
    /**
     * Every part but the last has exactly this size.
     */
    partSizeBytes: number;
    /**
     * One per part, when `partCount` was given.
     */
    presignedUrls?: Array<PresignedUrl>;
    /**
     * The object store's name for the upload; opaque.
     */
    uploadId: string;
};
/**
 * How it went.
 */
export type RegisteredFilesBatch = SessionExtension & {
    /**
     * One per file of the request, in order.
     */
    results: Array<FileBatchResult>;
};
/**
 * What the events say.
 */
export type SessionAnalytics = {
    /**
     * Newest first.
     */
    events: Array<SessionEvent>;
    filters: SessionAnalyticsFilters;
    metrics: SessionAnalyticsMetrics;
    pagination: ListPagination;
};
/**
 * What was asked for.
 */
export type SessionAnalyticsFilters = {
    /**
     * All types when there is none.
     */
    eventType: Array<SessionEventType>;
    /**
     * Inclusive.
     */
    from: string | null;
    /**
     * Exclusive.
     */
    to: string | null;
    userId: string | null;
};
/**
 * What the events in the range add up to; docs/analytics.md says exactly how.
 */
export type SessionAnalyticsMetrics = {
    /**
     * From registration to completion of a file, the mean; null when none was completed.
     */
    averageUploadTimeMs: number | null;
    /**
     * Of completed files.
     */
    bytesUploaded: number;
    /**
     * Why sessions failed in the range, most frequent first.
     */
    commonFailurePoints: Array<FailurePoint>;
    /**
     * Events by type, bounded by `eventType`.
     */
    eventCounts: {
        [key: string]: number;
    };
    filesCompleted: number;
    filesRegistered: number;
    /**
     * Finalized of created, from 0 to 1; null when none was created.
     */
    sessionSuccessRate: number | null;
    /**
     * Sessions created in the range.
     */
    sessionsCreated: number;
    /**
     * Of these, those that failed and were never finalized.
     */
    sessionsFailed: number;
    /**
     * Of these, those that were finalized, at any time.
     */
    sessionsFinalized: number;
    uploadTimeMs: UploadTimePercentiles;
};
/**
 * A session with its files.
 */
export type SessionDetails = SessionSummary & {
    /**
     * In the order of their registration.
     */
    files: Array<SessionFile>;
};
/**
 * An event as it is stored.
 */
export type SessionEvent = {
    createdAt: string;
    eventId: string;
    eventType: string;
    /**
     * An object unless somebody wrote something else.
     */
    metadata: unknown;
    sessionId: string;
};
/**
 * What happened.
 */
export type SessionEventType = 'session_created' | 'file_registered' | 'file_completed' | 'session_finalized' | 'session_failed';
/**
 * There when this request extended the session.
 */
export type SessionExtension = {
    /**
     * When the session expires now.
     */
    newExpiresAt?: string;
    /**
     * Always true.
     */
    sessionExtended?: boolean;
};
/**
 * A registered file.
 */
export type SessionFile = {
    bytesReceived: number;
    category: FileCategory;
    fileId: string;
    /**
     * Where it can be had once it is completed.
     */
    fileUrl?: string;
    /**
     * Names the file within its session.
     */
    key: string;
    name: string;
    partCount: number;
    partsReceived: number;
    /**
     * Bytes.
     */
    size: number;
    status: FileStatus;
    type: string;
};
/**
 * A page of sessions.
 */
export type SessionList = {
    pagination: ListPagination;
    /**
     * Newest first.
     */
    sessions: Array<SessionSummary>;
};
/**
 * State of a session.
 */
export type SessionStatus = 'active' | 'completed' | 'expired' | 'cancelled';
/**
 * A session and its sums.
 */
export type SessionSummary = {
    /**
     * Bytes that have arrived.
     */
    bytesReceived: number;
    /**
     * Their bytes.
     */
    bytesTotal: number;
    createdAt: string;
    /**
     * When it expires unless it is used.
     */
    expiresAt: string;
    /**
     * Declared files.
     */
    fileCount: number;
    /**
     * What it became.
     */
    moc?: Moc;
    partSizeBytes: number;
    sessionId: string;
    status: SessionStatus;
};
/**
 * By nearest rank: 50, 95 and 99 of 100 files took at most so long.
 */
export type UploadTimePercentiles = {
    p50: number | null;
    p95: number | null;
    p99: number | null;
};
export type ListSessionsData = {
    body?: never;
    path?: never;
    query?: {
        /**
         * At most; 20 when it is not there.
         */
        limit?: number;
        /**
         * How many to skip.
         */
        offset?: number;
        /**
         * Only these.
         */
        status?: SessionStatus;
    };
    url: '/api/mocs/uploads/sessions';
};
export type ListSessionsErrors = {
    /**
     * `UNAUTHORIZED`: You did not say who you are.
     * - No token
     */
    401: ProblemDetails;
    /**
     * `VALIDATION_ERROR`: Some fields are not valid.
     * - A page size that can't be
     * - A status that there is not
     */
    422: ProblemDetails;
    /**
     * `INTERNAL_ERROR`: Something went wrong here.
     */
    500: ProblemDetails;
    /**
     * `DATABASE_UNAVAILABLE`: The database does not answer. `AUTH_UNAVAILABLE`: Tokens can't be verified now.
     */
    503: ProblemDetails;
};
export type ListSessionsError = ListSessionsErrors[keyof ListSessionsErrors];
export type ListSessionsResponses = {
    /**
     * A page.
     */
    200: SessionList;
};
export type ListSessionsResponse = ListSessionsResponses[keyof ListSessionsResponses];
export type CreateSessionData = {
    body: CreateSessionRequest;
    headers?: {
        /**
         * The same key with the same body within 24 hours returns the first answer and creates nothing.
         */
        'Idempotency-Key'?: string;
    };
    path?: never;
    query?: never;
    url: '/api/mocs/uploads/sessions';
};
export type CreateSessionErrors = {
    /**
     * `BAD_REQUEST`: The request can't be understood. `FILE_COUNT_EXCEEDED`: Too many files.
     * - Broken JSON
     * - No body
     * - No instruction file
     * - More parts lists than a session takes
     */
    400: ProblemDetails;
    /**
     * `UNAUTHORIZED`: You did not say who you are.
     * - No token
     * - A token that is none
     */
    401: ProblemDetails;
    /**
     * `REQUEST_TIMEOUT`: The request took too long to arrive.
     */
    408: ProblemDetails;
    /**
     * `DUPLICATE_FILE`: You have uploaded this before. `CONFLICT`: Something is in the way.
     * - A file that the user has already: the answer says where it is
     * - The hash in the file itself, and another file beside it
     */
    409: ProblemDetails;
    /**
     * `FILE_TOO_LARGE`: The file is too large. `PAYLOAD_TOO_LARGE`: The request body is too large.
     * - An instruction of 50 MiB and one byte
     */
    413: ProblemDetails;
    /**
     * `UNSUPPORTED_MEDIA_TYPE`: The type is not allowed.
     * - A type that the category does not take
     */
    415: ProblemDetails;
    /**
     * `VALIDATION_ERROR`: Some fields are not valid.
     * - No file at all
     * - Fields that can't be right, each named by a JSON pointer
     * - A member of the wrong type
     * - Two files of one key
     * - A hash whose key names no file
     * - An idempotency key that was used with another body
     */
    422: ProblemDetails;
    /**
     * `TOO_MANY_REQUESTS`: Enough for today.
     */
    429: ProblemDetails;
    /**
     * `INTERNAL_ERROR`: Something went wrong here.
     */
    500: ProblemDetails;
    /**
     * `DATABASE_UNAVAILABLE`: The database does not answer. `AUTH_UNAVAILABLE`: Tokens can't be verified now.
     */
    503: ProblemDetails;
};
export type CreateSessionError = CreateSessionErrors[keyof CreateSessionErrors];
export type CreateSessionResponses = {
    /**
     * The session is open.
     */
    201: CreatedSession;
};
export type CreateSessionResponse = CreateSessionResponses[keyof CreateSessionResponses];
export type GetAnalyticsData = {
    body?: never;
    path?: never;
    query?: {
        /**
         * A date or an RFC 3339 time, inclusive.
         */
        from?: string;
        /**
         * A date or an RFC 3339 time, exclusive.
         */
        to?: string;
        /**
         * Only these; can be repeated.
         */
        eventType?: Array<SessionEventType>;
        /**
         * Only sessions of this owner.
         */
        userId?: string;
        /**
         * Events at most; 50 when it is not there, 0 for metrics alone.
         */
        limit?: number;
        /**
         * How many events to skip.
         */
        offset?: number;
    };
    url: '/api/mocs/uploads/sessions/analytics';
};
export type GetAnalyticsErrors = {
    /**
     * `UNAUTHORIZED`: You did not say who you are.
     * - Not without a token
     */
    401: ProblemDetails;
    /**
     * `FORBIDDEN`: This is not for you.
     * - Not for users
     */
    403: ProblemDetails;
    /**
     * `VALIDATION_ERROR`: Some fields are not valid.
     * - A range that ends before it begins
     */
    422: ProblemDetails;
    /**
     * `INTERNAL_ERROR`: Something went wrong here.
     */
    500: ProblemDetails;
    /**
     * `DATABASE_UNAVAILABLE`: The database does not answer. `AUTH_UNAVAILABLE`: Tokens can't be verified now.
     */
    503: ProblemDetails;
};
export type GetAnalyticsError = GetAnalyticsErrors[keyof GetAnalyticsErrors];
export type GetAnalyticsResponses = {
    /**
     * Metrics and a page of events.
     */
    200: SessionAnalytics;
};
export type GetAnalyticsResponse = GetAnalyticsResponses[keyof GetAnalyticsResponses];
export type FinalizeSessionData = {
    body: FinalizeSessionRequest;
    path?: never;
    query?: never;
    url: '/api/mocs/uploads/sessions/finalize';
};
export type FinalizeSessionErrors = {
    /**
     * `BAD_REQUEST`: The request can't be understood. `FILES_INCOMPLETE`: Some files are not completed. `CONTENT_TYPE_MISMATCH`: A file is not of its declared type. `SESSION_NOT_ACTIVE`: The session is closed.
     * - Nothing is uploaded yet
     * - The first bytes are not of the declared type
     * - A registered file is not completed; the answer names it
     */
    400: ProblemDetails;
    /**
     * `UNAUTHORIZED`: You did not say who you are.
     * - No token
     */
    401: ProblemDetails;
    /**
     * `NOT_FOUND`: There is no such thing.
     * - Somebody else's session
     */
    404: ProblemDetails;
    /**
     * `REQUEST_TIMEOUT`: The request took too long to arrive.
     */
    408: ProblemDetails;
    /**
     * `CONFLICT`: Something is in the way.
     * - The title is taken; the answer suggests a slug
     */
    409: ProblemDetails;
    /**
     * `SESSION_EXPIRED`: The session has expired.
     * - A session whose time is over
     */
    410: ProblemDetails;
    /**
     * `PAYLOAD_TOO_LARGE`: The request body is too large.
     */
    413: ProblemDetails;
    /**
     * `UNSUPPORTED_MEDIA_TYPE`: The type is not allowed.
     */
    415: ProblemDetails;
    /**
     * `VALIDATION_ERROR`: Some fields are not valid.
     * - No title
     */
    422: ProblemDetails;
    /**
     * `INTERNAL_ERROR`: Something went wrong here.
     */
    500: ProblemDetails;
    /**
     * `STORAGE_UNAVAILABLE`: The object store does not answer. `DATABASE_UNAVAILABLE`: The database does not answer. `AUTH_UNAVAILABLE`: Tokens can't be verified now.
     */
    503: ProblemDetails;
};
export type FinalizeSessionError = FinalizeSessionErrors[keyof FinalizeSessionErrors];
export type FinalizeSessionResponses = {
    /**
     * Another call created it, or is at it.
     */
    200: FinalizedBefore;
    /**
     * The MOC is created.
     */
    201: FinalizedMoc;
};
export type FinalizeSessionResponse = FinalizeSessionResponses[keyof FinalizeSessionResponses];
export type CancelSessionData = {
    body?: never;
    path: {
        sessionId: string;
    };
    query?: never;
    url: '/api/mocs/uploads/sessions/{sessionId}';
};
export type CancelSessionErrors = {
    /**
     * `UNAUTHORIZED`: You did not say who you are.
     * - No token
     */
    401: ProblemDetails;
    /**
     * `NOT_FOUND`: There is no such thing.
     * - Somebody else can't
     * - A session that does not exist
     */
    404: ProblemDetails;
    /**
     * `CONFLICT`: Something is in the way.
     * - A finalized session can't be cancelled
     */
    409: ProblemDetails;
    /**
     * `INTERNAL_ERROR`: Something went wrong here.
     */
    500: ProblemDetails;
    /**
     * `DATABASE_UNAVAILABLE`: The database does not answer. `AUTH_UNAVAILABLE`: Tokens can't be verified now.
     */
    503: ProblemDetails;
};
export type CancelSessionError = CancelSessionErrors[keyof CancelSessionErrors];
export type CancelSessionResponses = {
    /**
     * It is cancelled.
     */
    204: void;
};
export type CancelSessionResponse = CancelSessionResponses[keyof CancelSessionResponses];
export type GetSessionData = {
    body?: never;
    path: {
        sessionId: string;
    };
    query?: never;
    url: '/api/mocs/uploads/sessions/{sessionId}';
};
export type GetSessionErrors = {
    /**
     * `UNAUTHORIZED`: You did not say who you are.
     * - No token
     */
    401: ProblemDetails;
    /**
     * `NOT_FOUND`: There is no such thing.
     * - A session that does not exist
     * - An id that is no UUID
     * - Somebody else's session
     */
    404: ProblemDetails;
    /**
     * `INTERNAL_ERROR`: Something went wrong here.
     */
    500: ProblemDetails;
    /**
     * `DATABASE_UNAVAILABLE`: The database does not answer. `AUTH_UNAVAILABLE`: Tokens can't be verified now.
     */
    503: ProblemDetails;
};
export type GetSessionError = GetSessionErrors[keyof GetSessionErrors];
export type GetSessionResponses = {
    /**
     * The session.
     */
    200: SessionDetails;
};
export type GetSessionResponse = GetSessionResponses[keyof GetSessionResponses];
export type RegisterFileData = {
    body: RegisterFileRequest;
    path: {
        sessionId: string;
    };
    query?: never;
    url: '/api/mocs/uploads/sessions/{sessionId}/files';
};
export type RegisterFileErrors = {
    /**
     * `BAD_REQUEST`: The request can't be understood. `FILE_COUNT_EXCEEDED`: Too many files. `PART_COUNT_MISMATCH`: The parts are not all there. `SESSION_NOT_ACTIVE`: The session is closed.
     * - Register a file that was not declared
     * - Register with a part count that is not the file's
     */
    400: ProblemDetails;
    /**
     * `UNAUTHORIZED`: You did not say who you are.
     * - Register without a token
     */
    401: ProblemDetails;
    /**
     * `NOT_FOUND`: There is no such thing.
     * - Register in a session that does not exist
     * - Register in somebody else's session
     */
    404: ProblemDetails;
    /**
     * `REQUEST_TIMEOUT`: The request took too long to arrive.
     */
    408: ProblemDetails;
    /**
     * `CONFLICT`: Something is in the way.
     * - Register the same key again
     */
    409: ProblemDetails;
    /**
     * `SESSION_EXPIRED`: The session has expired.
     * - Register in a session whose time is over
     * - After it the session is over, used or not
     */
    410: ProblemDetails;
    /**
     * `FILE_TOO_LARGE`: The file is too large. `PAYLOAD_TOO_LARGE`: The request body is too large.
     */
    413: ProblemDetails;
    /**
     * `UNSUPPORTED_MEDIA_TYPE`: The type is not allowed.
     */
    415: ProblemDetails;
    /**
     * `VALIDATION_ERROR`: Some fields are not valid.
     * - Register an invalid file
     */
    422: ProblemDetails;
    /**
     * `INTERNAL_ERROR`: Something went wrong here.
     */
    500: ProblemDetails;
    /**
     * `STORAGE_UNAVAILABLE`: The object store does not answer. `DATABASE_UNAVAILABLE`: The database does not answer. `AUTH_UNAVAILABLE`: Tokens can't be verified now.
     */
    503: ProblemDetails;
};
export type RegisterFileError = RegisterFileErrors[keyof RegisterFileErrors];
export type RegisterFileResponses = {
    /**
     * Send its parts.
     */
    201: RegisteredFile;
};
export type RegisterFileResponse = RegisterFileResponses[keyof RegisterFileResponses];
export type RegisterFilesBatchData = {
    body: RegisterFilesBatchRequest;
    path: {
        sessionId: string;
    };
    query?: never;
    url: '/api/mocs/uploads/sessions/{sessionId}/files/batch';
};
export type RegisterFilesBatchErrors = {
    /**
     * `BAD_REQUEST`: The request can't be understood. `SESSION_NOT_ACTIVE`: The session is closed.
     */
    400: ProblemDetails;
    /**
     * `UNAUTHORIZED`: You did not say who you are.
     * - No token
     */
    401: ProblemDetails;
    /**
     * `NOT_FOUND`: There is no such thing.
     * - A session that does not exist
     */
    404: ProblemDetails;
    /**
     * `REQUEST_TIMEOUT`: The request took too long to arrive.
     */
    408: ProblemDetails;
    /**
     * `CONFLICT`: Something is in the way.
     */
    409: ProblemDetails;
    /**
     * `SESSION_EXPIRED`: The session has expired.
     * - A session whose time is over
     */
    410: ProblemDetails;
    /**
     * `PAYLOAD_TOO_LARGE`: The request body is too large.
     */
    413: ProblemDetails;
    /**
     * `UNSUPPORTED_MEDIA_TYPE`: The type is not allowed.
     */
    415: ProblemDetails;
    /**
     * `VALIDATION_ERROR`: Some fields are not valid.
     * - No file
     * - More files than a batch takes
     */
    422: ProblemDetails;
    /**
     * `INTERNAL_ERROR`: Something went wrong here.
     */
    500: ProblemDetails;
    /**
     * `DATABASE_UNAVAILABLE`: The database does not answer. `AUTH_UNAVAILABLE`: Tokens can't be verified now.
     */
    503: ProblemDetails;
};
export type RegisterFilesBatchError = RegisterFilesBatchErrors[keyof RegisterFilesBatchErrors];
export type RegisterFilesBatchResponses = {
    /**
     * A result for each.
     */
    200: RegisteredFilesBatch;
};
export type RegisterFilesBatchResponse = RegisterFilesBatchResponses[keyof RegisterFilesBatchResponses];
export type CompleteFileData = {
    body: CompleteFileRequest;
    path: {
        sessionId: string;
        fileId: string;
    };
    query?: never;
    url: '/api/mocs/uploads/sessions/{sessionId}/files/{fileId}/complete';
};
export type CompleteFileErrors = {
    /**
     * `BAD_REQUEST`: The request can't be understood. `INVALID_PART`: A part's etag is wrong. `PART_COUNT_MISMATCH`: The parts are not all there. `PART_SIZE_MISMATCH`: The part has the wrong size. `CHECKSUM_MISMATCH`: The bytes do not have the declared digest. `SESSION_NOT_ACTIVE`: The session is closed.
     * - Complete a file whose bytes have not the declared SHA-256
     * - Complete with an etag that is not the part's
     * - Complete with a part missing; the answer names it
     * - Complete a file whose parts are not all named
     */
    400: ProblemDetails;
    /**
     * `UNAUTHORIZED`: You did not say who you are.
     * - Complete without a token
     */
    401: ProblemDetails;
    /**
     * `NOT_FOUND`: There is no such thing.
     * - Complete a file that does not exist
     */
    404: ProblemDetails;
    /**
     * `REQUEST_TIMEOUT`: The request took too long to arrive.
     */
    408: ProblemDetails;
    /**
     * `CONFLICT`: Something is in the way.
     */
    409: ProblemDetails;
    /**
     * `SESSION_EXPIRED`: The session has expired.
     */
    410: ProblemDetails;
    /**
     * `PAYLOAD_TOO_LARGE`: The request body is too large.
     */
    413: ProblemDetails;
    /**
     * `UNSUPPORTED_MEDIA_TYPE`: The type is not allowed.
     */
    415: ProblemDetails;
    /**
     * `VALIDATION_ERROR`: Some fields are not valid.
     * - Complete without a list of parts
     */
    422: ProblemDetails;
    /**
     * `INTERNAL_ERROR`: Something went wrong here.
     */
    500: ProblemDetails;
    /**
     * `STORAGE_UNAVAILABLE`: The object store does not answer. `DATABASE_UNAVAILABLE`: The database does not answer. `AUTH_UNAVAILABLE`: Tokens can't be verified now.
     */
    503: ProblemDetails;
};
export type CompleteFileError = CompleteFileErrors[keyof CompleteFileErrors];
export type CompleteFileResponses = {
    /**
     * The file is assembled.
     */
    200: CompletedFile;
};
export type CompleteFileResponse = CompleteFileResponses[keyof CompleteFileResponses];
export type GetFileContentData = {
    body?: never;
    headers?: {
        /**
         * A single range, such as `bytes=0-1023`.
         */
        Range?: string;
        /**
         * An ETag: the range only of this version.
         */
        'If-Range'?: string;
        /**
         * ETags that you have.
         */
        'If-None-Match'?: string;
    };
    path: {
        sessionId: string;
        fileId: string;
    };
    query?: never;
    url: '/api/mocs/uploads/sessions/{sessionId}/files/{fileId}/content';
};
export type GetFileContentErrors = {
    /**
     * `UNAUTHORIZED`: You did not say who you are.
     * - No token
     */
    401: ProblemDetails;
    /**
     * `NOT_FOUND`: There is no such thing.
     * - Somebody else's file
     * - A file that does not exist
     */
    404: ProblemDetails;
    /**
     * `CONFLICT`: Something is in the way.
     * - It is not completed yet
     */
    409: ProblemDetails;
    /**
     * `RANGE_NOT_SATISFIABLE`: The range is outside the file.
     * - A range outside the file
     */
    416: ProblemDetails;
    /**
     * `INTERNAL_ERROR`: Something went wrong here.
     */
    500: ProblemDetails;
    /**
     * `STORAGE_UNAVAILABLE`: The object store does not answer. `DATABASE_UNAVAILABLE`: The database does not answer. `AUTH_UNAVAILABLE`: Tokens can't be verified now.
     */
    503: ProblemDetails;
};
export type GetFileContentError = GetFileContentErrors[keyof GetFileContentErrors];
export type GetFileContentResponses = {
    /**
     * The whole file, with its declared type.
     */
    200: Blob | File;
    /**
     * The range.
     */
    206: Blob | File;
};
export type GetFileContentResponse = GetFileContentResponses[keyof GetFileContentResponses];
export type ListPartsData = {
    body?: never;
    path: {
        sessionId: string;
        fileId: string;
    };
    query?: never;
    url: '/api/mocs/uploads/sessions/{sessionId}/files/{fileId}/parts';
};
export type ListPartsErrors = {
    /**
     * `UNAUTHORIZED`: You did not say who you are.
     * - List parts without a token
     */
    401: ProblemDetails;
    /**
     * `NOT_FOUND`: There is no such thing.
     * - List the parts of a file that does not exist
     */
    404: ProblemDetails;
    /**
     * `INTERNAL_ERROR`: Something went wrong here.
     */
    500: ProblemDetails;
    /**
     * `STORAGE_UNAVAILABLE`: The object store does not answer. `DATABASE_UNAVAILABLE`: The database does not answer. `AUTH_UNAVAILABLE`: Tokens can't be verified now.
     */
    503: ProblemDetails;
};
export type ListPartsError = ListPartsErrors[keyof ListPartsErrors];
export type ListPartsResponses = {
    /**
     * The parts.
     */
    200: PartList;
};
export type ListPartsResponse = ListPartsResponses[keyof ListPartsResponses];
export type UploadPartData = {
    /**
     * The part's bytes, with Content-Length or chunked.
     */
    body: Blob | File;
    headers?: {
        /**
         * MD5 of the part in base64; verified.
         */
        'Content-MD5'?: string;
        /**
         * SHA-256 of the part in base64; verified.
         */
        'x-amz-checksum-sha256'?: string;
        /**
         * RFC 9530; sha-256 and sha-512 are verified.
         */
        'Content-Digest'?: string;
    };
    path: {
        sessionId: string;
        fileId: string;
        partNumber: number;
    };
    query?: never;
    url: '/api/mocs/uploads/sessions/{sessionId}/files/{fileId}/parts/{partNumber}';
};
export type UploadPartErrors = {
    /**
     * `BAD_REQUEST`: The request can't be understood. `INVALID_PART_NUMBER`: The file has no such part. `PART_SIZE_MISMATCH`: The part has the wrong size. `CHECKSUM_MISMATCH`: The bytes do not have the declared digest. `SESSION_NOT_ACTIVE`: The session is closed.
     * - Bytes that have not the MD5 they claim
     * - A part that the file has not
     * - Part numbers start at 1
     * - A part number that is none
     * - A part of the wrong size
     * - An empty part
     * - But takes no part any more
     */
    400: ProblemDetails;
    /**
     * `UNAUTHORIZED`: You did not say who you are.
     * - No token
     */
    401: ProblemDetails;
    /**
     * `FORBIDDEN`: This is not for you.
     */
    403: ProblemDetails;
    /**
     * `NOT_FOUND`: There is no such thing.
     * - Somebody else's file
     * - A file that does not exist
     */
    404: ProblemDetails;
    /**
     * `REQUEST_TIMEOUT`: The request took too long to arrive.
     */
    408: ProblemDetails;
    /**
     * `CONFLICT`: Something is in the way.
     * - A part of a completed file
     */
    409: ProblemDetails;
    /**
     * `SESSION_EXPIRED`: The session has expired.
     */
    410: ProblemDetails;
    /**
     * `LENGTH_REQUIRED`: The length is missing.
     */
    411: ProblemDetails;
    /**
     * `INTERNAL_ERROR`: Something went wrong here.
     */
    500: ProblemDetails;
    /**
     * `STORAGE_UNAVAILABLE`: The object store does not answer. `DATABASE_UNAVAILABLE`: The database does not answer. `AUTH_UNAVAILABLE`: Tokens can't be verified now.
     */
    503: ProblemDetails;
};
export type UploadPartError = UploadPartErrors[keyof UploadPartErrors];
export type UploadPartResponses = {
    /**
     * The part is stored and recorded.
     */
    200: ReceivedPart;
};
export type UploadPartResponse = UploadPartResponses[keyof UploadPartResponses];
