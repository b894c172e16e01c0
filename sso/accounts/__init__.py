"""People: accounts, passwords, throttles, and the sessions of their browsers.

Owns no routes; the pages are in `sso.portal`. Spec: ASVS V6 and V7, A-57.
"""
