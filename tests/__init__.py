"""The tests. Real parts on loopback: a real Valkey, MariaDB, Chromium and foreign providers."""
