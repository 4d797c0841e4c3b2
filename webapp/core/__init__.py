"""What every domain rests on; imports no domain."""
