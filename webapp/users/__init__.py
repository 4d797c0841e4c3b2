"""People: their accounts, sessions, invitations and passwords."""
