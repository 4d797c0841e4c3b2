"""Reads of tickets and of the desk."""
