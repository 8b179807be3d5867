"""A synthetic railway day: trains, demand, cancellations and spoilt records."""
