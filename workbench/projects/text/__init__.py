"""Pure functions on text: differences of lines, three-way merges, what a search looks at.

They know neither HTTP nor the database.
"""
