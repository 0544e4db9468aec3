"""Running attacks over a split into score files."""
