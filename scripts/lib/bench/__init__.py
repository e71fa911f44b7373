"""What scripts/bench consists of: the machine, the servers side by side, the load, the scenarios and the report."""
