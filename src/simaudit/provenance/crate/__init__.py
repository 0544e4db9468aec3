"""A run as a Provenance Run Crate: its workflow, every job with parameters, inputs and outputs, and its results.

The profile, https://w3id.org/ro/wfrun/provenance/0.5, builds on RO-Crate 1.1, Workflow RO-Crate 1.0, and Process and
Workflow Run Crate 0.5 (Leo et al., Recording provenance of workflow runs with RO-Crate, PLOS ONE 2024).
"""
