"""What changes while people look: events of the database, sent on to browsers as they come."""
