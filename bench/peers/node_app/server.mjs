// express-openid-connect with sessions in Redis, and http-proxy-middleware: as their READMEs say.
import fs from 'node:fs';
import express from 'express';
import connect from 'express-openid-connect';
import { createProxyMiddleware } from 'http-proxy-middleware';
import { RedisStore } from 'connect-redis';
import { createClient } from 'redis';
import http from 'node:http';

const env = process.env;
const redis = createClient({ url: env.PEER_REDIS_URL });
await redis.connect();

const app = express();
app.disable('x-powered-by');

const log = fs.createWriteStream(env.PEER_LOG, { flags: 'a' });
app.use((req, res, next) => {
  const started = process.hrtime.bigint();
  res.on('finish', () => {
    const ms = Number(process.hrtime.bigint() - started) / 1e6;
    log.write(`${new Date().toISOString()} ${req.method} ${req.path} ${res.statusCode} ${ms}\n`);
  });
  next();
});

app.use(connect.auth({
  baseURL: env.PEER_BASE_URL,
  issuerBaseURL: env.PEER_ISSUER,
  clientID: env.PEER_CLIENT_ID,
  clientSecret: env.PEER_SECRET,
  secret: env.PEER_SECRET,
  authRequired: false,
  authorizationParams: { response_type: 'code', scope: 'openid profile email offline_access' },
  session: { store: new RedisStore({ client: redis }) },
}));

app.use('/api',
  (req, res, next) => {
    if (!req.oidc.isAuthenticated()) return res.status(401).json({ code: 'login_required' });
    if (req.get('x-csrf') !== '1') return res.status(403).json({ code: 'csrf_failed' });
    // Not in a `proxyReq` handler: that throws, and ends the process, when a client goes early.
    delete req.headers.cookie;
    req.headers.authorization = `Bearer ${req.oidc.accessToken.access_token}`;
    next();
  },
  createProxyMiddleware({
    target: env.PEER_UPSTREAM,
    // No limit of sockets: those of clients that left early stay taken, and a limit is soon reached.
    agent: new http.Agent({ keepAlive: true }),
  }),
);

app.get('/', (req, res) => res.send(req.oidc.isAuthenticated() ? 'signed in' : 'signed out'));
app.listen(Number(env.PEER_PORT), '127.0.0.1');
