"""The backend-for-frontend: an OAuth client and gateway whose browser carries only a ticket.

Two planes over one session store: the control plane (Flask) knows OAuth and writes sessions, the
data plane (ASGI) reads them and forwards. Spec: RFC 10017 §6.1.
"""
