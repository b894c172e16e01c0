"""What every room needs and none owns: ids, bodies, versions, idempotency, permissions, pages.

No routes. Table: `idempotency_keys`. Spec: RFC 9110 §13.1.1 (`If-Match`); RFC 6585 §3 (428);
draft-ietf-httpapi-idempotency-key-header.
"""
