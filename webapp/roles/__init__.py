"""The screens that shape roles."""
