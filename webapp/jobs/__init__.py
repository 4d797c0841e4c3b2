"""Work beside the requests, and what people see of it."""
