// An httpyac plugin (HTTPYAC_PLUGIN=<this file>): each answer must be one that /openapi.json of the
// server at MOC_UPLOADS_URL documents, in path, method, status, media type and JSON schema.
// Its dependencies are found through NODE_PATH.
const Ajv = require('ajv/dist/2020').default;
const addFormats = require('ajv-formats').default;

const METHODS = new Set(['get', 'put', 'post', 'delete', 'head', 'options', 'patch']);
const baseUrl = process.env.MOC_UPLOADS_URL;
let contract;

async function loadContract() {
  const document = await (await fetch(`${baseUrl}/openapi.json`)).json();
  const ajv = addFormats(new Ajv({ strict: false, allErrors: true, validateSchema: false, logger: false }));
  ajv.addSchema(document, 'openapi');
  const routes = Object.entries(document.paths).flatMap(([template, item]) =>
    Object.entries(item)
      .filter(([method]) => METHODS.has(method))
      .map(([method, operation]) => ({ method, template, operation, matches: matcher(template) })),
  );
  // A literal segment wins over a parameter: /sessions/finalize over /sessions/{sessionId}.
  routes.sort((a, b) => a.template.split('{').length - b.template.split('{').length);
  return { ajv, routes };
}

function matcher(template) {
  const literals = template.split(/\{[^}]*\}/).map((text) => text.replace(/[.*+?^$()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${literals.join('[^/]+')}$`);
}

function check({ ajv, routes }, request, response) {
  const method = request.method.toLowerCase();
  const path = new URL(request.url).pathname;
  const route = routes.find((route) => route.method === method && route.matches.test(path));
  if (!route) throw new Error(`${request.method} ${path} is not in /openapi.json`);

  const name = `${request.method} ${route.template} ${response.statusCode}`;
  const documented = route.operation.responses[response.statusCode];
  if (!documented) throw new Error(`${name} is not in /openapi.json`);

  const media = response.contentType?.mimeType;
  const content = documented.content ?? {};
  const hasBody = response.rawBody?.length > 0;
  if (!hasBody || Object.keys(content).length === 0) {
    if (hasBody) throw new Error(`${name} has a body, of ${media}, which is not in /openapi.json`);
    return name;
  }
  const described = content[media] ?? content['*/*'];
  if (!described) throw new Error(`${name} answers ${media}; documented: ${Object.keys(content)}`);
  if (/[/+]json$/.test(media) && described.schema) {
    const at = ['paths', route.template, method, 'responses', response.statusCode, 'content', media, 'schema'];
    const pointer = at.map((part) => encodeURIComponent(`${part}`.replace(/~/g, '~0').replace(/\//g, '~1')));
    const validate = ajv.compile({ $ref: `openapi#/${pointer.join('/')}` });
    if (!validate(response.parsedBody)) {
      throw new Error(`${name}: ${ajv.errorsText(validate.errors, { dataVar: 'body' })}`);
    }
  }
  return name;
}

module.exports = {
  configureHooks(api) {
    api.hooks.onResponse.addHook('openapi', async (response, context) => {
      contract ??= loadContract();
      const loaded = await contract;
      await api.utils.testFactoryAsync(context, {})('is documented', async (result) => {
        result.message = `is documented: ${check(loaded, context.request, response)}`;
      });
    });
  },
};
