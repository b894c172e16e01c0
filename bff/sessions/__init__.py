"""Sessions in Redis under a ticket that Redis never sees.

Owns the ticket, the sealed record and token set, the cookie's syntax, and Flask's `session`.
Only this room writes session keys. Spec: RFC 10017 §6.1.2; ASVS 7.2, 7.3.
"""
