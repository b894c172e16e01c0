"""Demo data: a lively team, told through the API itself.

No routes, no tables. Everything is done by requests of the people in it, judged like any others;
only the key that their tokens are signed with is this process's own, made for the occasion and
known to nobody else. Afterwards what happened is spread over the days before.
"""
