"""The models under audit: what a target is, the families that say how one comes to be, and the files of each."""
