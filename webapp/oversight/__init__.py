"""What auditors do with the log: search, read, prove, undo, take away. The log itself is ``webapp.audit``."""
