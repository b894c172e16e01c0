"""Sign-out: by the person, or by an application that asks on their behalf.

Owns ``/oauth/end_session``, ``/sign-out``, ``/signed-out``.
Spec: OIDC RP-Initiated Logout 1.0; A-55; S-014.
"""
