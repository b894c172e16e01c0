"""What a token must hold."""

from __future__ import annotations

READ = "project:read"
WRITE = "project:write"
