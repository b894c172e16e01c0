"""Starts the parties: embedded parts, child processes, the words on the terminal.

Knows no party from inside; it speaks to them as an operator would, through `app.py` and settings.

Two uses: `house` runs everything on embedded defaults (`python app.py`), `servers` runs one party
in this process (`python app.py bff`).
"""
