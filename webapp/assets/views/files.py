"""Photos and documents of an asset."""
