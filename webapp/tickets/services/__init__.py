"""Changes of tickets and of the desk."""
