"""Keys: the server's own ring (``secret_keys``), and the pairs that sign tokens.

Owns sealing, derived keys, signing, verifying what we signed, and the published key set.
Spec: RFC 7517, RFC 7518, A-33, A-35.
"""
