"""Which samples most attacks accuse, and how many held-out samples are accused as often by coincidence."""
