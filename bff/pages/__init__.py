"""The pages that the BFF serves itself: the shell at `/`, and errors in the visitor's language."""
