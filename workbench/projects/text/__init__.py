"""Pure functions on text: differences of lines, three-way merges.

They know neither HTTP nor the database.
"""
