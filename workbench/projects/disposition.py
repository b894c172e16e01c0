"""`Content-Disposition` for names in any script.

Spec: RFC 6266 §4.3, appendix D; RFC 8187 §3.2.
"""

from __future__ import annotations

import unicodedata
from urllib.parse import quote

_ATTR_CHARS = "!#$&+-.^_`|~"  # RFC 8187 §3.2.1, besides letters and digits


def content_disposition(name: str, *, inline: bool) -> str:
    """Return the header's value: the name in ASCII for old programs, for all others as it is."""
    kind = "inline" if inline else "attachment"
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = "".join("_" if char in '"\\%' or not char.isprintable() else char for char in plain)
    stem, dot, ending = plain.rpartition(".") if "." in plain else (plain, "", "")
    if not any(char.isalnum() for char in stem):
        stem = "file"
    plain = f"{stem.strip()}{dot}{ending}"
    value = f'{kind}; filename="{plain}"'
    if plain != name:
        value += f"; filename*=UTF-8''{quote(name, safe=_ATTR_CHARS)}"
    return value
