"""Networks of other people that diffusers' own classes cannot express, and the class of any network by its name."""
