// A certified OpenID provider with one client and people who sign in without a form: whoever
// `login_hint` names is that person, and agrees to all. Used by .ci/run.
//
//     node .ci/oidc_provider.mjs <folder with node_modules> <port>

import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, port] = process.argv.slice(2);
const module = createRequire(path.resolve(folder, 'x')).resolve('oidc-provider');
const { Provider } = await import(pathToFileURL(module));

const issuer = `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'roster',
      client_secret: 'a secret of the conformance run',
      redirect_uris: ['https://app.example.com/callback'],
      grant_types: ['authorization_code'],
      response_types: ['code'],
    },
  ],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  // As OpenID Connect Core 1.0, 5.4 has it, and as it is by default: the address is in the user info.
  conformIdTokenClaims: true,
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  cookies: { keys: ['of one run'] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: true, name: 'Ann Certified' }),
  }),
});

async function finish(request, response) {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  if (prompt.name === 'login') {
    const result = { login: { accountId: params.login_hint } };
    return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  }
  const grant = grantId
    ? await provider.Grant.find(grantId)
    : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  const missing = prompt.details.missingOIDCScope;
  if (missing) grant.addOIDCScope(missing.join(' '));
  const claims = prompt.details.missingOIDCClaims;
  if (claims) grant.addOIDCClaims(claims);
  const result = { consent: { grantId: await grant.save() } };
  return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
}

provider.use(async (context, next) => {
  if (!context.path.startsWith('/interaction/')) return next();
  context.respond = false;
  return finish(context.req, context.res);
});
provider.listen(Number(port), '127.0.0.1');
