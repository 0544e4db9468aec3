"""Pictures in files: decoded by Pillow, and converted to pixels by one set of stated rules."""
