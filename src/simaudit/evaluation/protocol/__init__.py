"""From the scores of one audit to its numbers: knobs chosen on calibration, measured on evaluation."""
