/** Runs what it is given, `max` at once, in order. */
export declare const limit: (max: number) => <T>(job: () => Promise<T>) => Promise<T>;
