// A relying party of another make: npm express-openid-connect, set up as its documentation shows.
//
//   node express-party.mjs '{"port": 4002, "issuer": "…", "client_id": "…", "client_secret": "…", "scope": "…"}'
//
// GET / says who is signed in; /login, /callback, /logout and /backchannel-logout are its own.
// GET /userinfo and GET /refresh answer with what came of them.
import { createServer } from 'node:http';
import { EventEmitter } from 'node:events';
import express from 'express';
import openid from 'express-openid-connect';

const { port, issuer, client_id, client_secret, scope } = JSON.parse(process.argv[2]);

// The store that its documentation asks for: any that express-session could use.
class Memory extends EventEmitter {
  kept = new Map();
  get(id, callback) {
    callback(null, this.kept.get(id));
  }
  set(id, session, callback) {
    this.kept.set(id, session);
    callback?.(null);
  }
  destroy(id, callback) {
    this.kept.delete(id);
    callback?.(null);
  }
}

const app = express();
app.use(
  openid.auth({
    authRequired: false,
    authorizationParams: { response_type: 'code', scope },
    backchannelLogout: { store: new Memory() },
    baseURL: `http://127.0.0.1:${port}`,
    clientID: client_id,
    clientSecret: client_secret,
    idpLogout: true,
    issuerBaseURL: issuer,
    secret: 'known to nobody but this test and its cookies',
  }),
);
app.get('/', (request, response) => {
  const signed_in = request.oidc.isAuthenticated();
  response.json({ signed_in, claims: request.oidc.idTokenClaims ?? null });
});
app.get('/userinfo', async (request, response) => response.json(await request.oidc.fetchUserInfo()));
app.get('/refresh', async (request, response) => {
  const before = request.oidc.accessToken;
  const renewed = await before.refresh();
  const changed = renewed.access_token !== before.access_token;
  response.json({ changed, expires_in: renewed.expires_in });
});
app.use((error, request, response, next) => {
  const { message, error: reason, error_description } = error;
  response.status(500).json({ message, reason, error_description, cause: String(error.cause ?? '') });
});
createServer(app).listen(port, '127.0.0.1', () => console.log('listening'));
