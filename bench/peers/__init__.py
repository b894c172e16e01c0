"""The subjects of the benchmark: Cloakroom, and what people use in its place.

Each is configured as its own documentation says, signs people in by itself, and is one worker
process or event loop, because all of them share one core.
"""
