"""The pages on which a developer registers applications and sees why they were refused.

Owns ``/clients``. A client belongs to who made it; to anybody else it is not there.
Spec: A-02, A-21, A-59; S-109, S-110.
"""
