"""Who has what: hand out, take back, transfer, extend, overdue."""
