"""Labels with QR and bar codes."""
