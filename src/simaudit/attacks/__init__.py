"""The attacks: one file per attack, found by its name; what an attack is stands in `attack`."""
