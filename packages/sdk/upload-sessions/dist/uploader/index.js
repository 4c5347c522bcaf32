export { isUploadError } from './errors.js';
export { uploadFiles } from './upload-files.js';
