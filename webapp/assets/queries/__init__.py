"""Every read of assets. The database's policies decide which client's rows there are to read."""
