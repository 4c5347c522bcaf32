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
  return { validator: compiler(ajv), routes };
}

function matcher(template) {
  const literals = template.split(/\{[^}]*\}/).map((text) => text.replace(/[.*+?^$()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${literals.join('[^/]+')}$`);
}

// A member that the schema does not name is one that generated clients can't see, so it is an error.
function compiler(ajv) {
  const compiled = new Map();
  return (at, schema) => {
    const pointer = at.map((part) => encodeURIComponent(`${part}`.replace(/~/g, '~0').replace(/\//g, '~1'))).join('/');
    if (!compiled.has(pointer)) {
      const isOpen = schema.type === 'object' && !schema.properties;
      compiled.set(pointer, ajv.compile({ $ref: `openapi#/${pointer}`, unevaluatedProperties: isOpen }));
    }
    return compiled.get(pointer);
  };
}

function explain(errors) {
  const member = (error) => error.params.unevaluatedProperty ?? '';
  return errors.map((error) => `body${error.instancePath} ${error.message} ${member(error)}`.trim()).join(', ');
}

function check({ validator, routes }, request, response) {
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
  const key = media in content ? media : '*/*';
  const described = content[key];
  if (!described) throw new Error(`${name} answers ${media}; documented: ${Object.keys(content)}`);
  if (/[/+]json$/.test(media) && described.schema) {
    const at = ['paths', route.template, method, 'responses', response.statusCode, 'content', key, 'schema'];
    const validate = validator(at, described.schema);
    if (!validate(response.parsedBody)) throw new Error(`${name}: ${explain(validate.errors)}`);
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
