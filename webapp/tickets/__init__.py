"""What people ask for and what is broken: the queue, conversations, service levels, the desk's settings."""
