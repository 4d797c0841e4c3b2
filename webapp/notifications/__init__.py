"""What people are told: for now, that somebody asks for access."""
