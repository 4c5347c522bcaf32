class Failure extends Error {
}
export const failure = (problem, message, cause) => Object.assign(new Failure(message, { cause }), problem, {
    name: problem.code === 'ABORTED' ? 'AbortError' : 'UploadError',
});
/** Whether something caught is an {@link UploadError}. */
export const isUploadError = (error) => error instanceof Failure;
