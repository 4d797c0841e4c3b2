"""Every change of assets, their types, who has them, and imports."""
