"""Changing many assets at once, and undoing it."""
