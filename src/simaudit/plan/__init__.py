"""From params.yaml to jobs: files combined, sweeps and audits written out, values validated, mistakes explained."""
