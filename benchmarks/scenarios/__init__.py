"""What is measured: one module for each kind, a Case for each line of the table."""
