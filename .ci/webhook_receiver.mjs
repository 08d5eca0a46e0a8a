// A receiver of webhooks that verifies them by the official library for JavaScript. Used by .ci/run.
//
//     node .ci/webhook_receiver.mjs <folder with node_modules> <port>
//
// `PUT /secret` gives it a secret. `POST /events` takes an event if that secret signed it, and else answers 401.
// `PUT /fault` says how the next event fares that is signed well, instead of being taken. `GET /events` shows what
// it took, `GET /health` that it is there.

import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';

const [folder, port] = process.argv.slice(2);
const { Webhook } = createRequire(path.resolve(folder, 'x'))('standardwebhooks');

let webhook;
let fault;
const taken = [];

// What a receiver may do to an event instead of taking it.
const faults = {
  fails: (response) => response.writeHead(500).end(),
  hangs: () => {},
  redirects: (response) => response.writeHead(307, { location: '/events' }).end(),
  closes: (response) => response.destroy(),
  lies: (response) => response.socket.end('HTTP/1.1 200 OK\r\ncontent-length: no\r\n\r\n'),
};

async function read(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function answer(request, body) {
  switch (`${request.method} ${request.url}`) {
    case 'PUT /secret':
      webhook = new Webhook(body);
      return [204];
    case 'POST /events':
      try {
        const event = webhook.verify(body, request.headers);
        if (fault) return [fault];
        taken.push(event);
        return [204];
      } catch (error) {
        console.error(error);
        return [401];
      }
    case 'PUT /fault':
      fault = body;
      return [204];
    case 'GET /events':
      return [200, JSON.stringify(taken)];
    case 'GET /health':
      return [204];
    default:
      return [404];
  }
}

createServer(async (request, response) => {
  const [status, text] = await answer(request, await read(request));
  if (status in faults) {
    fault = undefined;
    return faults[status](response);
  }
  response.writeHead(status, { 'content-type': 'application/json' }).end(text);
}).listen(Number(port), '127.0.0.1');
