"""Bringing assets in from a file: read it, map its columns, check every row, apply what is right."""
