/** Runs what it is given, `max` at once, in order. */
export const limit = (max) => {
    const waiting = [];
    let free = max;
    return async (job) => {
        if (free > 0)
            free--;
        else
            await new Promise((resolve) => waiting.push(resolve));
        try {
            return await job();
        }
        finally {
            const next = waiting.shift();
            if (next)
                next();
            else
                free++;
        }
    };
};
