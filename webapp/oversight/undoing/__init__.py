"""Undo: what rows of the log would become is planned, shown, and made by the normal services."""
