"""Administration: everything that is kept, and the few things an operator may do to it.

Owns ``/admin`` (pages, for accounts that are administrators) and ``/admin/api`` (the same for
programs, by an access token with the scope ``sso:admin`` made for this server). Both act through
`Deeds`, which writes every change to the audit log beside the change itself.

Spec: A-60; ASVS 7.4.2, 7.4.5, 16.3; S-106, S-110.
"""
