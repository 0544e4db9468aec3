"""What can only be said of several audits together, and of published numbers beside them."""
