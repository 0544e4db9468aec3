"""The terminal while Snakemake runs: one line for each job, and how long the rest may take."""
