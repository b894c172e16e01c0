"""What the tests stand on: programs on free ports, a raw browser, a recording upstream.

Nothing here imports a party: to the tests they are processes that speak HTTP.
"""
