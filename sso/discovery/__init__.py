"""Discovery: what this server can do, read from what is mounted, and its public keys.

Owns ``/.well-known/…`` and ``/oauth/jwks``. Spec: RFC 8414, OIDC Discovery; A-11, A-36.
"""
