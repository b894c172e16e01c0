"""The workbench: resource servers of the team behind the gateway. Bearer tokens only (RFC 6750)."""
