// One upload at a time, driven from outside: the same in a page and in a process.

const partSize = 5 * 2 ** 20;

const describeError = (error, isUploadError) => ({
  isUploadError: isUploadError(error),
  ...JSON.parse(JSON.stringify(error)),
  name: error?.name,
  message: error?.message,
});

export const makeAgent = ({ uploadFiles, isUploadError }) => {
  let controller;
  let seen;
  let settled;
  let waiting = [];
  const wake = () => {
    waiting = waiting.filter(({ isOver, resolve }) => !isOver() || (resolve(), false));
  };
  return {
    /** Begins; `tokens` are used in turn, the last one for good. */
    start(files, { tokens, ...options }) {
      controller = new AbortController();
      const mine = (seen = {
        bytesSent: 0,
        isByParts: true,
        tokensAsked: 0,
        isMonotonic: true,
        progress: undefined,
        settled: undefined,
      });
      const onProgress = (progress) => {
        mine.isMonotonic &&=
          progress.bytesSent >= mine.bytesSent && progress.bytesSent <= progress.bytesTotal;
        mine.bytesSent = progress.bytesSent;
        const [{ bytesSent, bytesTotal }] = progress.files;
        // Whole parts, or those and the last.
        mine.isByParts &&= [0, bytesTotal % partSize].includes(bytesSent % partSize);
        mine.progress = progress;
        wake();
      };
      const token = async () => tokens[Math.min(mine.tokensAsked++, tokens.length - 1)];
      settled = uploadFiles(files, { ...options, token, onProgress, signal: controller.signal })
        .then(
          (result) => ({ result }),
          (error) => ({ error: describeError(error, isUploadError) }),
        )
        .then((end) => {
          mine.settled = end;
          wake();
        });
    },

    /** Back when so many bytes have gone, or all is over. */
    async until(bytes) {
      const mine = seen;
      const isOver = () => mine.settled !== undefined || mine.bytesSent >= bytes;
      if (!isOver()) await new Promise((resolve) => waiting.push({ isOver, resolve }));
      return mine;
    },

    /** Moves the clock. */
    later(ms) {
      const { now } = Date;
      Date.now = () => now() + ms;
    },

    abort() {
      controller.abort(new Error('enough'));
    },

    /** Back when all is over. */
    async end() {
      await settled;
      return seen;
    },
  };
};
