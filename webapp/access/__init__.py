"""Who holds what, where, and why."""
