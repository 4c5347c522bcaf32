/** Runs what it is given, `max` at once, in order. */
export const limit = (max: number) => {
  const waiting: (() => void)[] = [];
  let free = max;
  return async <T>(job: () => Promise<T>): Promise<T> => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await job();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free++;
    }
  };
};
