// A proxy in front of servers that misbehaves when it is told to.

import http from 'node:http';

export class Proxy {
  /** Every request that came: `METHOD path`. */
  requests = [];
  /** What to do with a request instead of passing it on; see `Fault` below. */
  fault = () => undefined;
  #sockets = new Set();
  #isDown = false;
  #held = undefined;
  #awaited = [];
  #servers = [];

  /** Another address, in front of a server; gives it. */
  async open(target) {
    const front = { target: target && new URL(target) };
    const server = http.createServer({ keepAliveTimeout: 60_000 }, (request, response) =>
      this.#pass(request, response, front.target),
    );
    server.on('connection', (socket) => {
      if (this.#isDown) return socket.destroy();
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#servers.push(server);
    return Object.assign(front, { url: `http://127.0.0.1:${server.address().port}` });
  }

  /** Cuts every connection, and every new one until the network is `up` again. */
  down() {
    this.#isDown = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  up() {
    this.#isDown = false;
  }

  /** Bodies stay where they are until `release`. */
  hold() {
    this.#held = Promise.withResolvers ? Promise.withResolvers() : withResolvers();
  }

  release() {
    this.#held?.resolve();
    this.#held = undefined;
  }

  /** Back when a request has come that begins so, from now on. */
  next(start) {
    return new Promise((resolve) => this.#awaited.push({ start, resolve }));
  }

  count(start) {
    return this.requests.filter((request) => request.startsWith(start)).length;
  }

  stop() {
    this.release();
    this.down();
    for (const server of this.#servers) server.close();
  }

  /**
   * A fault is `{ status, headers, body }` (answered here), `'cut'` (in the middle of the request),
   * `'late'` (at its end), `'lose'` (the server answers, and nobody hears it), or a function (the
   * same, but the client goes on waiting, and it is called).
   */
  async #pass(request, response, target) {
    request.on('error', () => {});
    response.on('error', () => {});
    const line = `${request.method} ${request.url}`;
    this.requests.push(line);
    this.#awaited = this.#awaited.filter(({ start, resolve }) => !line.startsWith(start) || resolve());
    if (request.method === 'PUT') await this.#held?.promise;
    const fault = request.method === 'OPTIONS' ? undefined : this.fault(line);
    if (fault === 'cut') {
      request.once('data', () => request.socket.destroy());
      request.once('end', () => request.socket.destroy());
      return;
    }
    if (fault === 'late') {
      request.resume().once('end', () => request.socket.destroy());
      return;
    }
    const isSilent = typeof fault === 'function';
    if (fault && fault !== 'lose' && !isSilent) {
      request.resume();
      await new Promise((resolve) => request.once('close', resolve).once('end', resolve));
      const cors = { 'access-control-allow-origin': '*', 'access-control-expose-headers': 'Retry-After' };
      response.writeHead(fault.status, { ...cors, ...fault.headers }).end(fault.body);
      return;
    }
    const { hostname, port } = target;
    const { method, url: path, headers } = request;
    const upstream = http.request({ hostname, port, method, path, headers }, (answer) => {
      if (isSilent) {
        answer.resume().on('end', fault);
        return;
      }
      if (fault === 'lose') {
        answer.resume().on('end', () => request.socket.destroy());
        return;
      }
      response.writeHead(answer.statusCode, answer.rawHeaders);
      answer.on('error', () => response.destroy());
      answer.pipe(response);
    });
    upstream.on('error', () => request.socket.destroy());
    request.on('close', () => request.complete || upstream.destroy());
    request.pipe(upstream);
  }
}

const withResolvers = () => {
  let resolve;
  const promise = new Promise((done) => (resolve = done));
  return { promise, resolve };
};
