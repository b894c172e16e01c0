"""The journal: what happened, once, in the words and in the order in which it stood.

Owns the tables `events` (rows are never changed; the oldest go in time) and `journal_head`; no
routes. Every room that changes a thing calls `record()` before its commit, so that change and event
stand or fall together. Nothing here knows whom an event may be shown to beyond its *channel*: a
team's members, its admins, a project's members, or one person.

Numbers are drawn at the very end of a transaction under one row's lock, so that an event with a
lower number is never seen later than one with a higher: a reader that remembers the last number it
has seen misses nothing and meets nothing twice.
"""

from workbench.journal.channels import Channel
from workbench.journal.model import Event
from workbench.journal.recording import record
from workbench.journal.verbs import Verb

__all__ = ["Channel", "Event", "Verb", "record"]
