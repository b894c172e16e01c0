"""What is done beside requests, by one process for all of them: keys rotate, old rows go.

Owns no routes. A process that is not served any more leaves nothing undone: the next one takes the
turn.
"""
