"""The feed: what happened in the caller's teams and projects, in pages and live.

Routes: `GET /feed`, `GET /feed/live`. Scopes: `feed:read`, and `notification:read` for the inbox's
part of the stream. No tables: it reads the journal and the inbox. Nobody is shown an event of
something they may not see; a failure here changes nothing for those who change things.

Specification: WHATWG HTML, server-sent events.
"""
