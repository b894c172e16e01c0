"""The benchmark: what one proxied call costs here, and what it costs elsewhere.

``python -m bench`` starts a Redis, an upstream, a provider and every peer it can install on this
machine, signs a few hundred people in at each, and prints the processor time a request cost the
proxy's processes. Loopback only; everything it started is stopped by process id.

Nothing here asserts a time: a benchmark is read by people. See ``docs/guides/benchmark.md``.
"""
