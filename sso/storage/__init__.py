"""What the SSO keeps: models, one engine, and transactions that are whole or nothing.

Owns the tables. Secrets, codes and tokens are kept as SHA-256 digests alone: each has 256 random
bits, so that a slow hash would cost time and add nothing. Passwords are `sso.accounts`' matter.
"""
