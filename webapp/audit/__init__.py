"""The log: what records it, and who reads it."""
