"""Providers and the life of their tokens: discovery, keys, code exchange, refresh, revocation.

Spec: OIDC Core, OIDC Discovery, RFC 6749 §6, RFC 7009, RFC 9700 §4.14.
"""
