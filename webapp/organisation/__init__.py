"""Where the work is: nested locations, the clients in them, the clients' projects."""
