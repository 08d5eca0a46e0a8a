// Runs the snippets of docs/app.md over a running `cargo local`, as they stand there: what the page says is
// what works. Used by .ci/run, which starts the stack with `--events-to` and `Audiences`.
//
//     ROSTER_API=<url> node .ci/app.mjs <folder with node_modules> <port of --events-to>

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, port] = process.argv.slice(2);
const api = process.env.ROSTER_API;
const require = createRequire(path.resolve(folder, 'x'));
const { createRemoteJWKSet, jwtVerify } = await import(pathToFileURL(require.resolve('jose')));

const page = readFileSync(new URL('../docs/app.md', import.meta.url), 'utf8');
const blocks = page.match(/(?:^ {4}.*\n)+/gm);

// The one snippet of the page with this word.
function snippet(word) {
  const found = blocks.filter((block) => block.includes(word));
  assert.equal(found.length, 1, `snippets with ${word}: ${found.length}`);
  return found[0];
}

// What a snippet makes of `given`; `result` names what it defines.
function run(code, given, result) {
  const AsyncFunction = (async () => {}).constructor;
  return new AsyncFunction(...Object.keys(given), `${code}\nreturn ${result};`)(...Object.values(given));
}

async function post(route, body, status) {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${api}${route}`, { method: 'POST', headers, body: JSON.stringify(body) });
  assert.equal(answer.status, status, `POST ${route}: ${await answer.clone().text()}`);
  return answer.json();
}

// The page on which a link lands.
const location = new URL('https://app.example.com/verify#token=a-token&for=change');
let history = null;
const browser = { location, history: { replaceState: (...state) => (history = state) } };
assert.equal(await run(snippet('location.hash'), browser, 'token'), 'a-token');
assert.deepEqual(history, [null, '', '/verify'], 'the token is out of the history');

// Events, posted to a program.
assert(snippet('cargo local --events-to').includes('/events'));
const taken = [];
let wake = () => {};
const server = createServer(async (request, response) => {
  let text = '';
  for await (const part of request) text += part;
  response.writeHead(204).end();
  taken.push({ event: JSON.parse(text), type: request.headers['content-type'], url: request.url });
  wake();
});
server.listen(port, '127.0.0.1');

// The sign-up of this user: others, such as the administrator's, may come before.
async function created(id) {
  for (;;) {
    const found = taken.find(({ event }) => event.type === 'UserCreated' && event.subject === id);
    if (found) return found;
    await new Promise((resolve) => (wake = resolve));
  }
}

const user = { email: 'app@example.com', name: 'App', password: 'seven purple kites aloft' };
const { id } = await post('/users', user, 201);
const { type, url } = await created(id);
assert.deepEqual([type, url], ['application/cloudevents+json', '/events']);
server.close();
server.closeAllConnections();

// Verifying a token elsewhere: taken, and not taken by a service with another name.
const verify = snippet('jwtVerify');
const issuer = '"http://localhost:3000"';
assert(verify.includes(issuer));
const here = verify.replace(issuer, JSON.stringify(api));
const tokens = { createRemoteJWKSet, jwtVerify };
const session = await post('/sessions', { ...user, name: undefined, audience: 'billing' }, 201);
const payload = await run(here, { ...tokens, token: session.accessToken }, 'payload');
assert.equal(payload.sub, id);
const own = await post('/sessions', { ...user, name: undefined }, 201);
await assert.rejects(run(here, { ...tokens, token: own.accessToken }, 'payload'), /aud/);
console.log('the snippets of docs/app.md work');
