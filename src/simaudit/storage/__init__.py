"""Reading and writing files: they are whole or absent, hashed once, and refused in one line if missing or damaged."""
