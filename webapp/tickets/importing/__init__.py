"""The history of another service desk, brought in from its log: one row for each change of a ticket."""
