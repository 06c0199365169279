"""The handoff: the brief, the play, the life of a PQL, and what is delivered."""
