"""Where results come from: what decides each of them, and later whether it still holds."""
