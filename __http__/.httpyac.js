// httpyac loads this file by itself for the .http files beside it. It adds what they need beyond
// httpyac's own syntax, so that REST Client's syntax does:
//   {{name.response.body.member}}   the answer of the request `# @name name` (httpyac: {{name.member}})
//   # @expect 409 CONFLICT          asserts the status, and the error code where one is given
// and lets the environment variable MOC_UPLOADS_URL replace a file's own @baseUrl.
module.exports = {
  configureHooks(api) {
    const baseUrl = process.env.MOC_UPLOADS_URL;
    if (baseUrl) {
      api.hooks.replaceVariable.addHook(
        'baseUrl',
        (text) => (typeof text === 'string' ? text.replaceAll('{{baseUrl}}', baseUrl) : text),
        { before: ['name'] },
      );
    }

    api.hooks.onResponse.addHook('restClientResponse', (response, context) => {
      const { name, expect } = context.httpRegion.metaData;
      const body = response.parsedBody ?? response.body;
      if (name) {
        const named = { response: { body, headers: response.headers, statusCode: response.statusCode } };
        api.utils.setVariableInContext({ [name]: named }, context);
      }
      if (expect) {
        const [status, code] = expect.trim().split(/\s+/);
        const expected = code ? `${status} ${code}` : status;
        const actual = code ? `${response.statusCode} ${body?.code}` : `${response.statusCode}`;
        api.utils.testFactory(context)(`answers ${expected}`, () => {
          if (actual !== expected) {
            throw new Error(`answered ${actual}: ${body?.detail ?? ''} ${JSON.stringify(body?.errors ?? [])}`);
          }
        });
      }
    });
  },
};
