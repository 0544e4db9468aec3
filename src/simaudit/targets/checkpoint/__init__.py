"""Models that somebody else trained: what a folder holds, seen by its JSON files alone, and how it is loaded."""
