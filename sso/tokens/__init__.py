"""Tokens as clients and APIs see them: access tokens, ID tokens, and the claims in both.

Owns no routes. Spec: RFC 9068, OIDC Core §2; A-30 to A-34.
"""
