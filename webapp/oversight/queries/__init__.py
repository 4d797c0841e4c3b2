"""What auditors read of their own things."""
