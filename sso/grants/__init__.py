"""Grants: codes that become them, refresh tokens that carry them on, consent behind them.

Owns ``/oauth/token`` and ``/oauth/revoke``. One rule everywhere: parse, validate, act; what is
consumed is consumed by one statement. Spec: OAuth 2.1 §3.2, §4.1.3, §4.3; RFC 7009; A-07 to A-10,
A-16, A-22 to A-29, A-39.
"""
