"""Systems whose histories can be loaded: one module each, found through a registry."""
