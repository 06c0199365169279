"""The overlay: whether self-serve needs people who sell, what they cost, and what goes wrong."""
