"""What is said on the terminal: plain sentences to a person, never a log line."""

from __future__ import annotations

import sys


class CannotStart(Exception):  # noqa: N818 - an outcome; its text is for the person at the terminal
    """Starting or going on is impossible; the message is one clear sentence with a way out."""


def say(sentence: str = "") -> None:
    """Print *sentence* on standard output, at once."""
    print(sentence, flush=True)


def complain(sentence: str) -> None:
    """Print *sentence* on standard error, at once."""
    print(sentence, file=sys.stderr, flush=True)
