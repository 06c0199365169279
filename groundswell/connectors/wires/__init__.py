"""What client libraries send over HTTP: one module per system, each a list of routes.

A module reads a request's body into records in our columns, finds the write key in it, and knows
the answers that its clients understand. It sees bytes and gives rows; what is kept, and where,
is decided above.
"""
