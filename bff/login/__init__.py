"""Signing in and out: `/bff/login`, `/bff/callback/{provider}`, `/bff/logout`.

Spec: OIDC Core §3.1, RFC 7636, RFC 9207, OIDC RP-Initiated Logout.
"""
