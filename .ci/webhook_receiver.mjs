// A receiver of webhooks that verifies them by the official library for JavaScript. Used by .ci/run.
//
//     node .ci/webhook_receiver.mjs <folder with node_modules> <port>
//
// `PUT /secret` gives it a secret. `POST /events` takes an event if that secret signed it, and else answers 401.
// `GET /events` shows what it took, `GET /health` that it is there.

import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';

const [folder, port] = process.argv.slice(2);
const { Webhook } = createRequire(path.resolve(folder, 'x'))('standardwebhooks');

let webhook;
const taken = [];

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
        taken.push(webhook.verify(body, request.headers));
        return [204];
      } catch (error) {
        console.error(error);
        return [401];
      }
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
  response.writeHead(status, { 'content-type': 'application/json' }).end(text);
}).listen(Number(port), '127.0.0.1');
