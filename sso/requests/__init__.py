"""An authorization request: read, judged, carried sealed across the pages, answered.

Owns no routes; `sso.authorize`, `sso.consent` and `sso.portal` act on it. Nothing is stored for
a request that nobody finished.

Spec: OAuth 2.1 §4.1.1 and §4.1.2, OIDC Core §3.1.2, RFC 9207; A-01 to A-06, A-09, A-12, A-40 to
A-44.
"""
