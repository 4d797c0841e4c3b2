"""The tree of places, clients, projects and assets."""
