"""What auditors take away: rows of the log as files, and as a bundle that proves itself."""
