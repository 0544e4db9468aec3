"""Files: whole or absent, hashed once, refused in one line when they are missing or damaged."""
