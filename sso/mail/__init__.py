"""Letters: put down in the transaction that gives rise to them, sent by a thread of its own.

Owns no routes. Nobody's request waits for a mail server, so its time tells nobody whether a letter
was written (S-103). A letter is kept sealed, for it may hold a link that opens something.
"""
