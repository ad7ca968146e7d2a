"""Pages and API: what the register knows, for people and for programs."""
