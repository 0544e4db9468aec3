"""From params.yaml to jobs: composition of the sections, expansion of sweeps, error lines."""
