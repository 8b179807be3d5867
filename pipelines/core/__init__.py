"""What every job shares: one file per foreign API, plus configuration, command line and run log."""
