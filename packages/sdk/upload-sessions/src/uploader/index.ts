export { isUploadError } from './errors.js';
export type { ClientProblem, ServerProblem, UploadError } from './errors.js';
export type * from './options.js';
export { uploadFiles } from './upload-files.js';
